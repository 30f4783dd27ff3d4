/** Rows of sessions and messages as the port has them. */
import * as z from "zod";
import type { Message } from "../message.ts";
import type { SessionInfo, SessionMessage, SessionSettings } from "../session.ts";
import { integerOf, integerOrNull, type Row, textOf, textOrNull } from "./db.ts";

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

const Settings = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const LastRun = z.object({
  id: z.string(),
  status: z.enum(["ok", "error", "aborted"]),
  startedAt: z.number(),
  endedAt: z.number(),
  model: z.string().optional(),
  stop: z.string().optional(),
  error: z.string().optional(),
});

/** Tokens, in JSON. */
export const StoredUsage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  cacheReadTokens: z.number().optional(),
  cacheWriteTokens: z.number().optional(),
  reasoningTokens: z.number().optional(),
});

const Made = z.object({
  run: z.string().optional(),
  model: z.string().optional(),
  stop: z.string().optional(),
  usage: StoredUsage.optional(),
});
/** How a message came about. */
export type Made = z.output<typeof Made>;

/** Columns that `infoOf` reads. */
export const INFO_COLUMNS = `
  session.key, session.session_id, session.revision, session.created_at, session.updated_at,
  session.message_count, session.input_tokens, session.output_tokens, session.context_tokens,
  session.context_seq, session.cost_usd,
  session.label, session.settings, session.created_by, session.channel, session.conversation,
  session.archived_at, session.interaction_at, session.last_run, session.compactions,
  session.previous, session.parent`;

export function infoOf(row: Row): SessionInfo {
  const channel = textOrNull(row, "channel");
  const lastRun = textOrNull(row, "last_run");
  return {
    key: textOf(row, "key"),
    sessionId: textOf(row, "session_id"),
    revision: integerOf(row, "revision"),
    createdAt: integerOf(row, "created_at"),
    updatedAt: integerOf(row, "updated_at"),
    messageCount: integerOf(row, "message_count"),
    inputTokens: integerOf(row, "input_tokens"),
    outputTokens: integerOf(row, "output_tokens"),
    contextTokens: integerOf(row, "context_tokens"),
    contextFresh:
      integerOf(row, "context_tokens") > 0 &&
      integerOf(row, "context_seq") === integerOf(row, "message_count"),
    costUsd: integerOrNull(row, "cost_usd") ?? undefined,
    label: textOrNull(row, "label") ?? undefined,
    settings: settingsOf(row),
    createdBy: textOf(row, "created_by"),
    origin:
      channel === null
        ? undefined
        : { channel, conversation: textOrNull(row, "conversation") ?? "" },
    archivedAt: integerOrNull(row, "archived_at") ?? undefined,
    lastInteractionAt: integerOrNull(row, "interaction_at") ?? undefined,
    lastRun: lastRun === null ? undefined : readLastRun(lastRun),
    compactions: integerOf(row, "compactions"),
    previousId: textOrNull(row, "previous") ?? undefined,
    parentKey: textOrNull(row, "parent") ?? undefined,
  };
}

function readLastRun(text: string): SessionInfo["lastRun"] {
  const { model, stop, error, ...run } = LastRun.parse(JSON.parse(text));
  return { ...run, model, stop, error };
}

export function settingsOf(row: Row): SessionSettings {
  return Settings.parse(JSON.parse(textOf(row, "settings")));
}

/** Columns that `messageOf` reads. */
export const MESSAGE_COLUMNS = "message.seq, message.at, message.message, message.made";

export function messageOf(row: Row): SessionMessage {
  const made: Made = Made.parse(JSON.parse(textOrNull(row, "made") ?? "{}"));
  return {
    seq: integerOf(row, "seq"),
    at: integerOf(row, "at"),
    message: bodyOf(row),
    run: made.run,
    model: made.model,
    stop: made.stop,
    usage: made.usage,
  };
}

/** The message alone. */
export function bodyOf(row: Row): Message {
  return Stored.parse(JSON.parse(textOf(row, "message")));
}
