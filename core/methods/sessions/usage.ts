import * as z from "zod";
import { agentIdOf } from "../../store/session-key.ts";
import type { SessionInfo } from "../../store/session.ts";
import { type ChatParts, sessionOf } from "../chat/parts.ts";
import { modelOf, usageOf } from "../chat/wire.ts";

const DAY_MS = 86_400_000;
/** Sessions of one answer, and how many are summed up for it. */
const DEFAULT_LIMIT = 50;
const MAX_SUMMED = 1_000;

const Name = z.string().min(1);
const Day = z.iso.date().optional();
const Usage = z.strictObject({
  key: Name.optional(),
  agentId: Name.optional(),
  agentScope: z.literal("all").optional(),
  startDate: Day,
  endDate: Day,
  mode: z.enum(["utc", "gateway", "specific"]).optional(),
  range: z.enum(["7d", "30d", "90d", "1y", "all"]).optional(),
  groupBy: z.enum(["instance", "family"]).optional(),
  includeHistorical: z.boolean().optional(),
  utcOffset: z.string().optional(),
  timeZone: Name.optional(),
  limit: z.int().min(1).max(MAX_SUMMED).default(DEFAULT_LIMIT),
  includeContextWeight: z.boolean().optional(),
});
type Usage = z.output<typeof Usage>;

const RANGE_DAYS = { "7d": 7, "30d": 30, "90d": 90, "1y": 365, all: undefined } as const;

/** `sessions.usage`: tokens of the sessions that were used in a span of days, all their turns together. */
export async function sessionsUsage(given: unknown, parts: ChatParts): Promise<object> {
  const params = Usage.parse(given);
  const now = parts.now();
  const { from, until } = spanOf(params, now);
  const found = await sessionsOf(params, from, parts);
  const sessions = found.filter(({ updatedAt }) => updatedAt < until);
  const total = (pick: (info: SessionInfo) => number): number =>
    sessions.reduce((sum, info) => sum + pick(info), 0);
  const totals = usageOf({
    inputTokens: total(({ inputTokens }) => inputTokens),
    outputTokens: total(({ outputTokens }) => outputTokens),
  });
  return {
    updatedAt: now,
    startDate: dayOf(from),
    endDate: dayOf(Math.min(until, now)),
    sessions: sessions.slice(0, params.limit).map(rowOf),
    totals,
    aggregates: { messages: { total: total(({ messageCount }) => messageCount) } },
  };
}

async function sessionsOf(
  { key, agentId }: Usage,
  updatedSince: number,
  parts: ChatParts,
): Promise<readonly SessionInfo[]> {
  if (key !== undefined) {
    const info = await parts.store.sessions.find(sessionOf(key, agentId, parts).key);
    return info === undefined ? [] : [info];
  }
  const page = { limit: MAX_SUMMED, offset: 0, archived: "all" } as const;
  const filter = { ...page, updatedSince, agentId: agentId?.toLowerCase() };
  return (await parts.store.sessions.list(filter)).sessions;
}

/** Days of UTC, the last one whole. Pure. */
function spanOf(
  { startDate, endDate, range }: Usage,
  now: number,
): { from: number; until: number } {
  const days = range === undefined ? 30 : RANGE_DAYS[range];
  const since = days === undefined ? 0 : now - days * DAY_MS;
  const from = startDate === undefined ? since : Date.parse(startDate);
  const until = endDate === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(endDate) + DAY_MS;
  return { from, until };
}

function rowOf(info: SessionInfo): object {
  const { key, sessionId, label, updatedAt, lastRun } = info;
  const named = { key, sessionId, label, updatedAt, agentId: agentIdOf(key) };
  return { ...named, ...modelOf(lastRun?.model), usage: usageOf(info) };
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
