import type { Usage } from "../message.ts";
import { plusUsage } from "../message.ts";
import { agentIdOf, isEphemeral } from "../session-key.ts";
import type { SessionOpening } from "../session.ts";
import type { EntryRun, SessionEntry, StoredMessage } from "../entry.ts";
import type { ModelCall, SpentCalls } from "../usage.ts";
import { type Db, integerOf, type Row, textOf, textOrNull, type Values } from "./db.ts";
import { bodyOf, type Made, settingsOf } from "./session-rows.ts";
import { addCalls, adopt, count } from "./usage.ts";

const ADD_TURN = `
  insert into session
    (key, session_id, created_at, updated_at, message_count, input_tokens, output_tokens,
      ephemeral, created_by, channel, conversation, interaction_at, context_tokens, context_seq,
      cost_usd, last_run)
  values
    (:key, :sessionId, :at, :at, :count, :inputTokens, :outputTokens,
      :ephemeral, :createdBy, :channel, :conversation, :interactionAt, :context,
      case when :context > 0 then :count else 0 end, :cost, :lastRun)
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
    context_seq = case when excluded.context_tokens > 0
      then session.message_count + excluded.message_count else session.context_seq end,
    cost_usd = case when excluded.cost_usd is null
      then session.cost_usd else coalesce(session.cost_usd, 0) + excluded.cost_usd end,
    last_run = coalesce(excluded.last_run, session.last_run)
  returning id, session_id, message_count`;

const ADD_MESSAGE = `
  insert into message (session_id, seq, at, message, made)
  values (:session, :seq, :at, :message, :made)`;

/** Runs that nobody looks at while they go on. */
const UNATTENDED: ReadonlySet<string> = new Set(["cron", "heartbeat"]);

export function append(db: Db, entry: SessionEntry): void {
  const { messages } = entry;
  const row = addTurn(db, entry);
  const before = integerOf(row, "message_count") - messages.length;
  addMessages(db, entry, integerOf(row, "id"), before);
  const sessionId = textOf(row, "session_id");
  if (before === 0) adopt(db, entry.sessionKey, sessionId);
  addUsage(db, entry, sessionId);
}

function addTurn(db: Db, entry: SessionEntry): Row {
  const { sessionKey, messages, usage, run, calls = [] } = entry;
  const at = Math.trunc(entry.at);
  const used = calls.length === 0 ? usage : totalOf(calls);
  const row = db.first(ADD_TURN, {
    key: sessionKey,
    sessionId: crypto.randomUUID(),
    at,
    count: messages.length,
    inputTokens: count(used.inputTokens),
    outputTokens: count(used.outputTokens),
    context: contextOf(entry),
    cost: costOf(calls),
    ephemeral: isEphemeral(sessionKey) ? 1 : 0,
    ...(run === undefined ? NO_RUN : runValues(run, at)),
  });
  return row ?? {};
}

function addMessages(db: Db, entry: SessionEntry, session: number, before: number): void {
  const { messages, usage, run } = entry;
  const at = Math.trunc(entry.at);
  for (const [index, message] of messages.entries()) {
    const seq = before + index + 1;
    const isAnswer = index === messages.length - 1 && message.role === "assistant";
    const made = run === undefined ? null : JSON.stringify(madeOf(run, isAnswer, usage));
    db.run(ADD_MESSAGE, { session, seq, at, message: JSON.stringify(message), made });
  }
}

function addUsage(
  db: Db,
  { sessionKey, messages, run, calls = [] }: SessionEntry,
  sessionId: string,
): void {
  if (calls.length === 0) return;
  addCalls(db, calls, {
    sessionId,
    sessionKey,
    agent: agentIdOf(sessionKey),
    channel: run?.origin?.channel ?? "",
    run: run?.id ?? "",
    kind: run?.kind ?? "",
    questions: messages.filter(({ role }) => role === "user").length,
  });
}

/** Rows that an entry makes. */
export function rowsOf({ messages, calls = [] }: SessionEntry): number {
  return messages.length + calls.length + 1;
}

function totalOf(calls: readonly ModelCall[]): Usage {
  return calls.reduce<Usage>((sum, { usage }) => plusUsage(sum, usage), {
    inputTokens: 0,
    outputTokens: 0,
  });
}

/** What the model has read last. Of turns whose calls nobody tells apart, all of it. */
function contextOf({ calls, usage }: SessionEntry): number {
  const tokens =
    calls === undefined
      ? usage.inputTokens
      : (calls.findLast(({ ok }) => ok)?.usage.inputTokens ?? 0);
  return count(tokens);
}

function costOf(calls: readonly ModelCall[]): number | null {
  const costs = calls.flatMap(({ cost }) => (cost === undefined ? [] : [cost]));
  if (costs.length === 0) return null;
  return costs.reduce(
    (sum, cost) => sum + cost.input + cost.output + cost.cacheRead + cost.cacheWrite,
    0,
  );
}

const SPEND = `
  update session
  set input_tokens = input_tokens + :inputTokens, output_tokens = output_tokens + :outputTokens,
    cost_usd = case when :cost is null then cost_usd else coalesce(cost_usd, 0) + :cost end
  where key = :key
  returning session_id`;

/** Calls that leave nothing in their session but that they were made. */
export function spend(db: Db, { calls, sessionKey = "", agentId, ...spent }: SpentCalls): void {
  const { inputTokens, outputTokens } = totalOf(calls);
  const tokens = { inputTokens: count(inputTokens), outputTokens: count(outputTokens) };
  const values = { key: sessionKey, ...tokens, cost: costOf(calls) };
  const session = sessionKey === "" ? undefined : db.first(SPEND, values);
  addCalls(db, calls, {
    sessionId: session === undefined ? "" : textOf(session, "session_id"),
    sessionKey,
    agent: agentId,
    channel: spent.channel ?? "",
    run: spent.run ?? "",
    kind: spent.kind,
    questions: 0,
  });
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
