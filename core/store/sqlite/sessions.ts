import * as z from "zod";
import type { Message } from "../message.ts";
import { isEphemeral } from "../session-key.ts";
import type { SessionEntry, StoredMessage } from "../store.ts";
import { type Db, integerOf, textOf } from "./db.ts";

const ToolCall = z.object({ id: z.string(), name: z.string(), input: z.string() });

/** What we wrote earlier, perhaps in an earlier version: read like anybody else's file. */
const Stored: z.ZodType<Message> = z.discriminatedUnion("role", [
  z.object({ role: z.literal("system"), text: z.string() }),
  z.object({ role: z.literal("user"), text: z.string() }),
  z.object({
    role: z.literal("assistant"),
    text: z.string(),
    toolCalls: z.array(ToolCall),
  }),
  z.object({ role: z.literal("tool"), callId: z.string(), text: z.string() }),
]);

const ADD_TURN = `
  insert into session
    (key, created_at, updated_at, message_count, input_tokens, output_tokens, ephemeral)
  values (:key, :at, :at, :count, :inputTokens, :outputTokens, :ephemeral)
  on conflict (key) do update set
    updated_at = excluded.updated_at,
    message_count = session.message_count + excluded.message_count,
    input_tokens = session.input_tokens + excluded.input_tokens,
    output_tokens = session.output_tokens + excluded.output_tokens
  returning id, message_count`;

const ADD_MESSAGE = `
  insert into message (session_id, seq, at, message) values (:session, :seq, :at, :message)`;

export function append(db: Db, { sessionKey, messages, usage, at: moment }: SessionEntry): void {
  const at = Math.trunc(moment);
  const row = db.first(ADD_TURN, {
    key: sessionKey,
    at,
    count: messages.length,
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    ephemeral: isEphemeral(sessionKey) ? 1 : 0,
  });
  const session = integerOf(row ?? {}, "id");
  const before = integerOf(row ?? {}, "message_count") - messages.length;
  for (const [index, message] of messages.entries()) {
    const seq = before + index + 1;
    db.run(ADD_MESSAGE, { session, seq, at, message: JSON.stringify(message) });
  }
}

const HISTORY = `
  select message.seq, message.at, message.message
  from message join session on session.id = message.session_id
  where session.key = :key
  order by message.seq desc limit :limit`;

export function history(db: Db, sessionKey: string, limit: number): StoredMessage[] {
  const rows = db.all(HISTORY, { key: sessionKey, limit });
  return rows.toReversed().map((row) => ({
    seq: integerOf(row, "seq"),
    at: integerOf(row, "at"),
    message: Stored.parse(JSON.parse(textOf(row, "message"))),
  }));
}
