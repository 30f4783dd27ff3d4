/** What single sessions have used. */
import * as z from "zod";
import type { UsageReport } from "../../store/usage.ts";
import { type ChatParts, sessionOf } from "../chat/parts.ts";
import { MethodError } from "../method.ts";
import { UsageAggregate } from "../usage/aggregate.ts";
import { dayAt, type DaySpan } from "../usage/days.ts";
import { type PricesOf, totalsOf } from "../usage/totals.ts";

/** Points of a series, and calls that it is made of. */
const SERIES = { points: 200, calls: 5_000 } as const;
/** Messages of a log, and UTF-16 units of each. */
const LOG = { entries: 200, maxEntries: 1_000, units: 2_000 } as const;

/** Prices as they are now, for what had none when it was used. */
export function pricesIn({ agents }: ChatParts): PricesOf {
  const directory = agents();
  return (ref) => directory.facts(ref).cost;
}

export interface SessionUsage {
  readonly aggregate: UsageAggregate;
  /** As the protocol has it. */
  readonly summary: object;
}

/** @param ids - Of one session: what it was before it was begun anew, as well. */
export async function usageOfSession(
  ids: readonly string[],
  days: readonly DaySpan[],
  parts: ChatParts,
): Promise<SessionUsage> {
  const [first, last] = [days[0], days.at(-1)];
  const aggregate = new UsageAggregate(pricesIn(parts));
  const ends: number[] = [];
  for (const id of first === undefined || last === undefined ? [] : ids) {
    const span = { from: first?.from ?? 0, until: last?.until ?? 0 };
    const report = await parts.store.usage.sessionReport(id, span);
    ends.push(...report.sums.flatMap(({ firstAt, lastAt }) => [firstAt, lastAt]));
    for (const [date, one] of byDay(report, days)) aggregate.add(date, one);
  }
  return { aggregate, summary: summaryOf(ids[0] ?? "", aggregate, ends) };
}

/** The tools are told of all days together: they go with the first. */
function byDay(report: UsageReport, days: readonly DaySpan[]): Map<string, UsageReport> {
  const found = new Map<string, UsageReport>();
  for (const sum of report.sums) {
    const date = dayAt(days, sum.slotAt)?.date ?? dayAt(days, sum.lastAt)?.date;
    if (date === undefined) continue;
    const tools = found.size === 0 ? report.tools : [];
    const known = found.get(date) ?? { ...report, tools, sums: [] };
    found.set(date, { ...known, sums: [...known.sums, sum] });
  }
  return found;
}

function summaryOf(sessionId: string, all: UsageAggregate, ends: readonly number[]): object {
  const { daily, messages } = all;
  const firstActivity = ends.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const lastActivity = ends.reduce((a, b) => Math.max(a, b), 0);
  const activity = { firstActivity, lastActivity, durationMs: lastActivity - firstActivity };
  return {
    sessionId,
    ...(ends.length === 0 ? {} : activity),
    activityDates: daily.map(({ date }) => date),
    ...all.totals,
    dailyBreakdown: daily.map((day) => ({ ...day, tokens: day.totalTokens, cost: day.totalCost })),
    dailyMessageCounts: all.dailyMessages,
    dailyModelUsage: all.modelDaily,
    messageCounts: messages,
    toolUsage: all.tools,
    modelUsage: all.byModel,
    latency: all.latency,
  };
}

const OfSession = z.object({ key: z.string().min(1), agentId: z.string().min(1).optional() });
const Logs = OfSession.extend({ limit: z.number().int().min(1).optional() });

/** `sessions.usage.timeseries`: the calls of models in a session, one point each, or each so many. */
export async function usageTimeseries(given: unknown, parts: ChatParts): Promise<object> {
  const { sessionId } = await named(OfSession.parse(given), parts);
  const { usage } = parts.store;
  const prices = pricesIn(parts);
  const calls = await usage.calls(sessionId, SERIES.calls);
  const points = calls.map((call): Point => {
    const totals = totalsOf({ ...NO_SUM, ...call, counted: 1 }, prices);
    const { input, output, cacheRead, cacheWrite, totalTokens, totalCost: cost } = totals;
    return { timestamp: call.at, input, output, cacheRead, cacheWrite, totalTokens, cost };
  });
  // What is older than the first point counts all the same.
  const { sums } = await usage.sessionReport(sessionId, { from: 0, until: parts.now() + 1 });
  const all = sums.map((sum) => totalsOf(sum, prices));
  let cumulativeTokens = total(all, "totalTokens") - total(points, "totalTokens");
  let cumulativeCost = total(all, "totalCost") - total(points, "cost");
  const shown = thinned(points).map((point) => {
    cumulativeTokens += point.totalTokens;
    cumulativeCost += point.cost;
    return { ...point, cumulativeTokens, cumulativeCost: Math.max(0, cumulativeCost) };
  });
  return { sessionId, points: shown };
}

interface Point {
  readonly timestamp: number;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly totalTokens: number;
  readonly cost: number;
}

const NO_SUM = {
  agentId: "",
  channel: "",
  slotAt: 0,
  firstAt: 0,
  lastAt: 0,
  calls: 1,
  answered: 0,
  timed: 0,
  questions: 0,
  toolCalls: 0,
  minMs: 0,
  maxMs: 0,
} as const;

function total<Name extends string>(
  of: readonly Readonly<Record<Name, number>>[],
  name: Name,
): number {
  return of.reduce((sum, one) => sum + one[name], 0);
}

/** So many neighbours become one point that not too many are left. Pure. */
function thinned(points: readonly Point[]): Point[] {
  const step = Math.ceil(points.length / SERIES.points);
  if (step <= 1) return [...points];
  return Array.from({ length: Math.ceil(points.length / step) }, (_, index) =>
    points.slice(index * step, (index + 1) * step).reduce((sum, point) => ({
      timestamp: point.timestamp,
      input: sum.input + point.input,
      output: sum.output + point.output,
      cacheRead: sum.cacheRead + point.cacheRead,
      cacheWrite: sum.cacheWrite + point.cacheWrite,
      totalTokens: sum.totalTokens + point.totalTokens,
      cost: sum.cost + point.cost,
    })),
  );
}

/** `sessions.usage.logs`: the newest messages of a session with what their answers took. */
export async function usageLogs(given: unknown, parts: ChatParts): Promise<object> {
  const { limit = LOG.entries, ...of } = Logs.parse(given);
  const info = await named(of, parts);
  const page = await parts.store.sessions.page(info.key, {
    limit: Math.min(limit, LOG.maxEntries),
  });
  const costs = await costsByRun(info.sessionId, parts);
  const logs = (page?.messages ?? []).flatMap(({ at, message, usage, run }) => {
    if (message.role === "system") return [];
    const role = message.role === "tool" ? "toolResult" : message.role;
    const content = contentOf(message);
    if (content === "") return [];
    const tokens = usage && usage.inputTokens + usage.outputTokens;
    const cost = usage && run !== undefined ? costs.get(run) : undefined;
    return [{ timestamp: at, role, content: cut(content), tokens, cost }];
  });
  return { logs };
}

type Said = NonNullable<
  Awaited<ReturnType<ChatParts["store"]["sessions"]["page"]>>
>["messages"][number]["message"];

function contentOf(message: Said): string {
  if (message.role === "tool") return `[Tool Result]\n${message.text}`;
  const calls = message.role === "assistant" ? message.toolCalls : [];
  return [message.text, ...calls.map(({ name }) => `[Tool: ${name}]`)]
    .filter((line) => line !== "")
    .join("\n");
}

function cut(text: string): string {
  return text.length <= LOG.units ? text : `${text.slice(0, LOG.units)}…`;
}

/** US dollars; runs whose models have no price are not in it. */
async function costsByRun(sessionId: string, parts: ChatParts): Promise<Map<string, number>> {
  const prices = pricesIn(parts);
  const costs = new Map<string, number>();
  for (const call of await parts.store.usage.calls(sessionId, SERIES.calls)) {
    const { totalCost, missingCostEntries } = totalsOf({ ...NO_SUM, ...call, counted: 1 }, prices);
    if (missingCostEntries === 0) costs.set(call.run, (costs.get(call.run) ?? 0) + totalCost);
  }
  return costs;
}

/** @throws MethodError when there is no such session. */
async function named(
  { key, agentId }: z.output<typeof OfSession>,
  parts: ChatParts,
): Promise<{ readonly key: string; readonly sessionId: string }> {
  const info = await parts.store.sessions.find(sessionOf(key, agentId, parts).key);
  if (info !== undefined) return info;
  throw new MethodError("INVALID_REQUEST", `Invalid session key: ${key}`, {
    code: "SESSION_NOT_FOUND",
  });
}
