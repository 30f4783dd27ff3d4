import { isEphemeral } from "../session-key.ts";
import type { SessionOpening } from "../session.ts";
import type { EntryRun, SessionEntry, StoredMessage } from "../store.ts";
import { type Db, integerOf, type Row, textOf, textOrNull, type Values } from "./db.ts";
import { bodyOf, type Made, settingsOf } from "./session-rows.ts";

const ADD_TURN = `
  insert into session
    (key, session_id, created_at, updated_at, message_count, input_tokens, output_tokens,
      ephemeral, created_by, channel, conversation, interaction_at, context_tokens, last_run)
  values
    (:key, :sessionId, :at, :at, :count, :inputTokens, :outputTokens,
      :ephemeral, :createdBy, :channel, :conversation, :interactionAt, :inputTokens, :lastRun)
  on conflict (key) do update set
    updated_at = excluded.updated_at,
    message_count = session.message_count + excluded.message_count,
    input_tokens = session.input_tokens + excluded.input_tokens,
    output_tokens = session.output_tokens + excluded.output_tokens,
    channel = coalesce(excluded.channel, session.channel),
    conversation = coalesce(excluded.conversation, session.conversation),
    interaction_at = coalesce(excluded.interaction_at, session.interaction_at),
    context_tokens = case when excluded.context_tokens > 0
      then excluded.context_tokens else session.context_tokens end,
    last_run = coalesce(excluded.last_run, session.last_run)
  returning id, message_count`;

const ADD_MESSAGE = `
  insert into message (session_id, seq, at, message, made)
  values (:session, :seq, :at, :message, :made)`;

/** Runs that nobody looks at while they go on. */
const UNATTENDED: ReadonlySet<string> = new Set(["cron", "heartbeat"]);

export function append(db: Db, entry: SessionEntry): void {
  const { sessionKey, messages, usage, run } = entry;
  const at = Math.trunc(entry.at);
  const row = db.first(ADD_TURN, {
    key: sessionKey,
    sessionId: crypto.randomUUID(),
    at,
    count: messages.length,
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    ephemeral: isEphemeral(sessionKey) ? 1 : 0,
    ...(run === undefined ? NO_RUN : runValues(run, at)),
  });
  const session = integerOf(row ?? {}, "id");
  const before = integerOf(row ?? {}, "message_count") - messages.length;
  for (const [index, message] of messages.entries()) {
    const seq = before + index + 1;
    const isAnswer = index === messages.length - 1 && message.role === "assistant";
    const made = run === undefined ? null : JSON.stringify(madeOf(run, isAnswer, usage));
    db.run(ADD_MESSAGE, { session, seq, at, message: JSON.stringify(message), made });
  }
}

const NO_RUN = {
  createdBy: "",
  channel: null,
  conversation: null,
  interactionAt: null,
  lastRun: null,
} as const;

function runValues(run: EntryRun, at: number): Values {
  return {
    createdBy: run.kind,
    channel: run.origin?.channel ?? null,
    conversation: run.origin?.conversation ?? null,
    interactionAt: UNATTENDED.has(run.kind) ? null : at,
    lastRun: lastRunOf(run),
  };
}

function lastRunOf({ id, status, startedAt, endedAt, model, stop, error }: EntryRun): string {
  return JSON.stringify({ id, status, startedAt, endedAt, model, stop, error });
}

/** What was used belongs to the answer, which is the last message of a run. */
function madeOf({ id, model, stop }: EntryRun, isAnswer: boolean, usage: Made["usage"]): Made {
  return isAnswer ? { run: id, model, stop, usage } : { run: id };
}

const HISTORY = `
  select message.seq, message.at, message.message
  from message join session on session.id = message.session_id
  where session.key = :key
  order by message.seq desc limit :limit`;

export function history(db: Db, sessionKey: string, limit: number): StoredMessage[] {
  return db.all(HISTORY, { key: sessionKey, limit }).toReversed().map(storedOf);
}

const OPENING = `
  select id, session_id, settings, summary, summary_seq from session where key = :key`;
const SINCE = `
  select seq, at, message from message
  where session_id = :session and seq > :after
  order by seq desc limit :limit`;

export function opening(db: Db, key: string, limit: number): SessionOpening {
  const row = db.first(OPENING, { key });
  if (row === undefined) {
    return { sessionId: undefined, settings: {}, summary: undefined, messages: [] };
  }
  const session = integerOf(row, "id");
  const rows = db.all(SINCE, { session, after: integerOf(row, "summary_seq"), limit });
  return {
    sessionId: textOf(row, "session_id"),
    settings: settingsOf(row),
    summary: textOrNull(row, "summary") ?? undefined,
    messages: rows.toReversed().map(storedOf),
  };
}

function storedOf(row: Row): StoredMessage {
  return { seq: integerOf(row, "seq"), at: integerOf(row, "at"), message: bodyOf(row) };
}
