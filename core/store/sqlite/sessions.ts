import * as z from "zod";
import type { Message } from "../message.ts";
import type { SessionEntry, StoredMessage } from "../store.ts";
import type { Db } from "./tables.ts";

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

export async function append(db: Db, entry: SessionEntry): Promise<void> {
  const { sessionKey, messages, usage } = entry;
  const at = Math.trunc(entry.at);
  const session = await db
    .insertInto("session")
    .values({
      key: sessionKey,
      created_at: at,
      updated_at: at,
      message_count: messages.length,
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
    })
    .onConflict((conflict) =>
      conflict.column("key").doUpdateSet((eb) => ({
        updated_at: at,
        message_count: eb("session.message_count", "+", messages.length),
        input_tokens: eb("session.input_tokens", "+", usage.inputTokens),
        output_tokens: eb("session.output_tokens", "+", usage.outputTokens),
      })),
    )
    .returning(["id", "message_count"])
    .executeTakeFirstOrThrow();

  const before = session.message_count - messages.length;
  for (const [index, message] of messages.entries()) {
    await db
      .insertInto("message")
      .values({
        session_id: session.id,
        seq: before + index + 1,
        at,
        message: JSON.stringify(message),
      })
      .execute();
  }
}

export async function history(db: Db, sessionKey: string, limit: number): Promise<StoredMessage[]> {
  const rows = await db
    .selectFrom("message")
    .innerJoin("session", "session.id", "message.session_id")
    .select(["message.seq", "message.at", "message.message"])
    .where("session.key", "=", sessionKey)
    .orderBy("message.seq", "desc")
    .limit(limit)
    .execute();
  return rows
    .toReversed()
    .map(({ seq, at, message }) => ({ seq, at, message: Stored.parse(JSON.parse(message)) }));
}
