import * as z from "zod";
import { agentIdOf } from "../../store/session-key.ts";
import type { SessionInfo } from "../../store/session.ts";
import { type ChatParts, sessionOf } from "../chat/parts.ts";
import { modelOf } from "../chat/wire.ts";
import { MethodError } from "../method.ts";
import { UsageAggregate } from "../usage/aggregate.ts";
import { type DaysAsked, daysOf, SPAN_PARAMS } from "../usage/days.ts";
import { dailyReports } from "../usage/reports.ts";
import { pricesIn, type SessionUsage, usageOfSession } from "./session-usage.ts";

/** Sessions of one answer, and how many are looked through for it. */
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
/** Of one session: itself, and what it was before it was begun anew. */
const MAX_FAMILY = 32;

const Name = z.string().min(1);
const { days: _days, ...SPAN } = SPAN_PARAMS;
const Usage = z.strictObject({
  ...SPAN,
  key: Name.optional(),
  agentId: Name.optional(),
  agentScope: z.literal("all").optional(),
  groupBy: z.enum(["instance", "family"]).optional(),
  includeHistorical: z.boolean().optional(),
  limit: z
    .int()
    .min(1)
    .default(DEFAULT_LIMIT)
    .transform((limit) => Math.min(limit, MAX_LIMIT)),
  includeContextWeight: z.boolean().optional(),
});
type Usage = z.output<typeof Usage>;

/**
 * `sessions.usage`: what was used in a span of days, in all and by session. Totals are of all
 * sessions, those not shown and those that are no more included.
 */
export async function sessionsUsage(given: unknown, parts: ChatParts): Promise<object> {
  const params = Usage.parse(given);
  if (params.agentScope === "all" && (params.agentId ?? params.key) !== undefined) {
    const message = "agentScope=all cannot be combined with key or agentId";
    throw new MethodError("INVALID_REQUEST", message);
  }
  const now = parts.now();
  const asked = daysOf(params, now, await parts.store.usage.oldestAt());
  const sessions = await sessionsOf(params, asked, parts);
  const rows = [];
  for (const info of sessions) rows.push(await rowOf(info, params, asked, parts));
  const all = await overall(params, asked, rows, parts);
  return {
    updatedAt: now,
    startDate: asked.startDate,
    endDate: asked.endDate,
    sessions: rows.map(({ row }) => row),
    totals: all.totals,
    aggregates: {
      sessionCount: rows.length,
      messages: all.messages,
      tools: all.tools,
      byModel: all.byModel,
      byProvider: all.byProvider,
      byAgent: all.byAgent,
      byChannel: all.byChannel,
      byCreator: [],
      costDaily: all.daily,
      latency: all.latency,
      dailyLatency: all.dailyLatency,
      modelDaily: all.modelDaily,
      daily: dailyOf(all),
    },
    creatorOptions: [],
  };
}

async function sessionsOf(
  { key, agentId, limit }: Usage,
  { days }: DaysAsked,
  parts: ChatParts,
): Promise<readonly SessionInfo[]> {
  if (key !== undefined) {
    const info = await parts.store.sessions.find(sessionOf(key, agentId, parts).key);
    return info === undefined ? [] : [info];
  }
  const updatedSince = days[0]?.from;
  if (updatedSince === undefined) return [];
  const page = { limit, offset: 0, archived: "all" } as const;
  const filter = { ...page, updatedSince, agentId: agentId?.toLowerCase() };
  const { sessions } = await parts.store.sessions.list(filter);
  const until = days.at(-1)?.until ?? 0;
  return sessions.filter(({ createdAt }) => createdAt < until);
}

interface UsageRow {
  readonly row: object;
  readonly usage: SessionUsage;
}

async function rowOf(
  info: SessionInfo,
  { groupBy, includeHistorical, includeContextWeight }: Usage,
  { days }: DaysAsked,
  parts: ChatParts,
): Promise<UsageRow> {
  const { key, sessionId, label, updatedAt, lastRun, origin, settings } = info;
  const isFamily = groupBy === "family" || includeHistorical === true;
  const ids = isFamily ? await familyOf(info, parts) : [sessionId];
  const usage = await usageOfSession(ids, days, parts);
  const override = settings["model"];
  const row = {
    key,
    sessionId,
    label,
    scope: isFamily ? "family" : "instance",
    ...(isFamily && {
      sessionFamilyKey: key,
      currentSessionId: sessionId,
      includedSessionIds: ids,
      historicalInstanceCount: ids.length,
    }),
    updatedAt,
    agentId: agentIdOf(key),
    channel: origin?.channel,
    ...(typeof override === "string" ? overrideOf(override) : {}),
    ...modelOf(lastRun?.model),
    usage: usage.summary,
    hasContextWeight: false,
    ...(includeContextWeight === true && { contextWeight: null }),
  };
  return { row, usage };
}

function overrideOf(ref: string): object {
  const { modelProvider: providerOverride, model: modelOverride } = modelOf(ref);
  return { providerOverride, modelOverride };
}

/** The ids a session has had, the present one first, as far as they are still kept. */
async function familyOf(info: SessionInfo, parts: ChatParts): Promise<string[]> {
  const ids = [info.sessionId];
  let before = info.previousId;
  while (before !== undefined && ids.length < MAX_FAMILY) {
    ids.push(before);
    // Its key is its id since it was begun anew.
    before = (await parts.store.sessions.find(before))?.previousId;
  }
  return ids;
}

/** Of one session when one was asked for, or else of all there were. */
async function overall(
  { key, agentId }: Usage,
  { days }: DaysAsked,
  rows: readonly UsageRow[],
  parts: ChatParts,
): Promise<UsageAggregate> {
  const one = rows[0]?.usage.aggregate;
  if (key !== undefined) return one ?? new UsageAggregate(pricesIn(parts));
  const all = new UsageAggregate(pricesIn(parts));
  const filter = { agentId: agentId?.toLowerCase(), inSessions: true };
  for await (const { date, report } of dailyReports(parts.store.usage, days, filter)) {
    all.add(date, report);
  }
  return all;
}

function dailyOf({ daily, dailyMessages }: UsageAggregate): object[] {
  return daily.map(({ date, totalTokens: tokens, totalCost: cost }, index) => {
    const { total: messages = 0, toolCalls = 0, errors = 0 } = dailyMessages[index] ?? {};
    return { date, tokens, cost, messages, toolCalls, errors };
  });
}
