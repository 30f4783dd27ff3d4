/** Calls of models: one row each, and what is added up of them. */
import * as z from "zod";
import { USAGE_LIMITS } from "../limits.ts";
import type { Usage } from "../message.ts";
import type { Cost, ModelCall, StoredCall, UsageSpan, UsageSum } from "../usage.ts";
import { type Db, integerOf, type Row, textOf, type Values } from "./db.ts";
import type { UsagePart } from "./usage-parts.ts";

/** Names of tools that are kept of one call, and characters of each: models make some up. */
const MAX_TOOLS = 32;
const MAX_TOOL_CHARS = 64;
/** Calls that are added up at once: some 5 ms. */
const PART_ROWS = 1_000;
/** Rows of tools that are looked at for one part of a report. */
const MAX_TOOL_ROWS = 1_000;
/** Clocks of time zones are ahead of each other by so much, or a multiple of it. */
const SLOT_MS = 900_000;

/** Whose calls they are. Empty: nobody's, none. */
export interface CallsOf {
  readonly sessionId: string;
  readonly sessionKey: string;
  readonly agent: string;
  readonly channel: string;
  readonly run: string;
  readonly kind: string;
  /** Things that people said in the turn. */
  readonly questions: number;
}

const ADD = `
  insert into usage
    (at, session_id, session_key, agent, channel, run, kind, provider, model, ok, input, output,
      cache_read, cache_write, reasoning, input_cost, output_cost, cache_read_cost,
      cache_write_cost, duration_ms, questions, tool_calls, tools)
  values
    (:at, :sessionId, :sessionKey, :agent, :channel, :run, :kind, :provider, :model, :ok, :input,
      :output, :cacheRead, :cacheWrite, :reasoning, :inputCost, :outputCost, :cacheReadCost,
      :cacheWriteCost, :durationMs, :questions, :toolCalls, :tools)`;

/** What was said by people counts once: with the first of the calls. */
export function addCalls(db: Db, calls: readonly ModelCall[], of: CallsOf): void {
  for (const [index, call] of calls.entries()) {
    const { tools } = call;
    const slash = call.model.indexOf("/");
    const names = tools.slice(0, MAX_TOOLS).map((name) => name.slice(0, MAX_TOOL_CHARS));
    db.run(ADD, {
      ...of,
      at: Math.trunc(call.at),
      provider: call.model.slice(0, Math.max(0, slash)),
      model: call.model.slice(slash + 1),
      ok: call.ok ? 1 : 0,
      ...tokensOf(call.usage),
      ...costValues(call.cost),
      durationMs: Math.max(0, Math.trunc(call.durationMs)),
      questions: index === 0 ? of.questions : 0,
      toolCalls: tools.length,
      tools: names.length === 0 ? "" : JSON.stringify(names),
    });
  }
}

function costValues(cost: Cost | undefined): Values {
  return {
    inputCost: cost?.input ?? null,
    outputCost: cost?.output ?? null,
    cacheReadCost: cost?.cacheRead ?? null,
    cacheWriteCost: cost?.cacheWrite ?? null,
  };
}

/** A provider may say more of the parts than of the whole. Fractions and worse are cut off. */
function tokensOf(usage: Usage): {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
} {
  const cacheRead = count(usage.cacheReadTokens);
  const cacheWrite = count(usage.cacheWriteTokens);
  return {
    input: Math.max(0, count(usage.inputTokens) - cacheRead - cacheWrite),
    output: count(usage.outputTokens),
    cacheRead,
    cacheWrite,
    reasoning: count(usage.reasoningTokens),
  };
}

/** Above all that a model reads in a year; a provider may say anything. */
const MAX_TOKENS = 1e12;

/** A number of tokens that can be kept, and added up. */
export function count(tokens: number | undefined): number {
  return Number.isFinite(tokens) ? Math.min(Math.max(0, Math.trunc(tokens ?? 0)), MAX_TOKENS) : 0;
}

const ADOPT = `
  update usage set session_id = :session
  where session_key = :key and session_id = '' and session_key <> ''`;

/** What was spent in vain on a session before its first turn. */
export function adopt(db: Db, key: string, session: string): void {
  db.run(ADOPT, { key, session });
}

const IN_SPAN = `
  at >= :from and at < :until and (:agent = '' or agent = :agent)
    and (:inSessions = 0 or session_id <> '')`;
const OF_SESSION = `
  session_id = :session and session_id <> '' and at >= :from and at < :until`;

const sumsOf = (condition: string, slot: string): string => `
  select agent, channel, provider, model, ${slot} as slot,
    case when input_cost is null then 1 else 0 end as unpriced,
    min(at) as first_at, max(at) as last_at, count(*) as calls, sum(ok) as answered,
    sum(case when input + output + cache_read + cache_write > 0 then 1 else 0 end) as counted,
    sum(questions) as questions, sum(tool_calls) as tool_calls,
    sum(input) as input, sum(output) as output,
    sum(cache_read) as cache_read, sum(cache_write) as cache_write,
    coalesce(sum(input_cost), 0) as input_cost, coalesce(sum(output_cost), 0) as output_cost,
    coalesce(sum(cache_read_cost), 0) as cache_read_cost,
    coalesce(sum(cache_write_cost), 0) as cache_write_cost,
    sum(case when ok = 1 and duration_ms > 0 then 1 else 0 end) as timed,
    sum(case when ok = 1 then duration_ms else 0 end) as duration_ms,
    coalesce(min(case when ok = 1 and duration_ms > 0 then duration_ms end), 0) as min_ms,
    coalesce(max(case when ok = 1 then duration_ms end), 0) as max_ms
  from usage where ${condition}
  group by agent, channel, provider, model, slot, unpriced
  order by slot, agent, channel, provider, model, unpriced`;
const toolsOf = (condition: string): string => `
  select tools, count(*) as count from usage where ${condition} and tools <> ''
  group by tools order by count desc limit ${MAX_TOOL_ROWS}`;
/** Three digits of it: so there are not many, whatever the calls took. */
const ROUNDED = `
  case when duration_ms < 1000 then duration_ms
    when duration_ms < 10000 then duration_ms / 10 * 10
    when duration_ms < 100000 then duration_ms / 100 * 100
    when duration_ms < 1000000 then duration_ms / 1000 * 1000
    else duration_ms / 10000 * 10000 end`;
const timesOf = (condition: string): string => `
  select ${ROUNDED} as ms, count(*) as count from usage
  where ${condition} and ok = 1 and duration_ms > 0 group by ms`;
/** Where the next part begins: by the index alone. */
const nextOf = (condition: string): string => `
  select at from usage where ${condition} order by at limit 1 offset :rows`;

const AT = "at >= :from and at < :until";
const SPAN = {
  sums: sumsOf(IN_SPAN, "0"),
  tools: toolsOf(IN_SPAN),
  times: timesOf(IN_SPAN),
  next: nextOf(AT),
};
const SESSION = {
  sums: sumsOf(OF_SESSION, `at / ${SLOT_MS}`),
  tools: toolsOf(OF_SESSION),
  times: timesOf(OF_SESSION),
  next: nextOf(OF_SESSION),
};

/**
 * What was used from the beginning of a span on, and where the rest of it begins; undefined: that
 * was all.
 *
 * @param session - Its id; undefined: of all, or of none.
 * @param rows - How many calls are added up.
 */
export function usagePart(
  db: Db,
  span: UsageSpan,
  session?: string,
  rows = PART_ROWS,
): { readonly part: UsagePart; readonly next: number | undefined } {
  const { agentId = "", inSessions = false } = span;
  const [from, until] = [Math.trunc(span.from), Math.trunc(span.until)];
  const statements = session === undefined ? SPAN : SESSION;
  const of: Values = session === undefined ? {} : { session };
  const row = db.first(statements.next, { from, until, ...of, rows });
  // All of one moment belong together, however many they are.
  const next = row && Math.max(from + 1, integerOf(row, "at"));
  const ends = { from, until: next ?? until };
  const who = { agent: agentId, inSessions: inSessions ? 1 : 0 };
  const values = session === undefined ? { ...ends, ...who } : { ...ends, ...of };
  const sums = db.all(statements.sums, values).map(sumOf);
  const hasTools = sums.some(({ toolCalls }) => toolCalls > 0);
  const times = db.all(statements.times, values);
  return {
    part: {
      sums,
      tools: hasTools ? toolCounts(db.all(statements.tools, values)) : new Map(),
      durations: new Map(times.map((one) => [integerOf(one, "ms"), integerOf(one, "count")])),
    },
    next,
  };
}

function sumOf(row: Row): UsageSum {
  return {
    agentId: textOf(row, "agent"),
    channel: textOf(row, "channel"),
    provider: textOf(row, "provider"),
    model: textOf(row, "model"),
    slotAt: integerOf(row, "slot") * SLOT_MS,
    firstAt: integerOf(row, "first_at"),
    lastAt: integerOf(row, "last_at"),
    calls: integerOf(row, "calls"),
    answered: integerOf(row, "answered"),
    counted: integerOf(row, "counted"),
    questions: integerOf(row, "questions"),
    toolCalls: integerOf(row, "tool_calls"),
    ...tokensIn(row),
    cost: integerOf(row, "unpriced") === 1 ? undefined : costIn(row),
    timed: integerOf(row, "timed"),
    durationMs: integerOf(row, "duration_ms"),
    minMs: integerOf(row, "min_ms"),
    maxMs: integerOf(row, "max_ms"),
  };
}

function tokensIn(row: Row): Pick<UsageSum, "input" | "output" | "cacheRead" | "cacheWrite"> {
  return {
    input: integerOf(row, "input"),
    output: integerOf(row, "output"),
    cacheRead: integerOf(row, "cache_read"),
    cacheWrite: integerOf(row, "cache_write"),
  };
}

function costIn(row: Row): Cost {
  return {
    input: integerOf(row, "input_cost"),
    output: integerOf(row, "output_cost"),
    cacheRead: integerOf(row, "cache_read_cost"),
    cacheWrite: integerOf(row, "cache_write_cost"),
  };
}

const Names = z.array(z.string());

function toolCounts(rows: readonly Row[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const times = integerOf(row, "count");
    for (const name of Names.parse(JSON.parse(textOf(row, "tools")))) {
      counts.set(name, (counts.get(name) ?? 0) + times);
    }
  }
  return counts;
}

const CALLS = `
  select at, run, provider, model, ok, input, output, cache_read, cache_write, reasoning,
    input_cost, output_cost, cache_read_cost, cache_write_cost, duration_ms
  from usage where session_id = :session and session_id <> ''
  order by at desc, seq desc limit :limit`;

export function callsOf(db: Db, session: string, limit: number): StoredCall[] {
  return db.all(CALLS, { session, limit }).toReversed().map(callOf);
}

function callOf(row: Row): StoredCall {
  return {
    at: integerOf(row, "at"),
    run: textOf(row, "run"),
    provider: textOf(row, "provider"),
    model: textOf(row, "model"),
    ok: integerOf(row, "ok") === 1,
    ...tokensIn(row),
    reasoning: integerOf(row, "reasoning"),
    cost: row["input_cost"] === null ? undefined : costIn(row),
    durationMs: integerOf(row, "duration_ms"),
  };
}

const OLDEST = "select at from usage order by at limit 1";

export function oldestAt(db: Db): number | undefined {
  const row = db.first(OLDEST);
  return row && integerOf(row, "at");
}

interface UsageLimits {
  readonly maxAgeMs: number;
  readonly maxRows: number;
}

const TOO_OLD = `
  delete from usage where seq in (
    select seq from usage where at < :before order by at limit :batch
  )`;
const TOO_MANY = `
  delete from usage where seq in (
    select seq from usage where seq <= (select max(seq) from usage) - :keep
    order by seq limit :batch
  )`;

export function pruneUsage(
  db: Db,
  now: number,
  batch: number,
  limits: UsageLimits = USAGE_LIMITS,
): void {
  db.run(TOO_OLD, { before: now - limits.maxAgeMs, batch });
  db.run(TOO_MANY, { keep: limits.maxRows, batch });
}
