/** `usage.*`: what was used, and what it has cost. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { factsOf } from "../../models/catalog.ts";
import type { SessionStore } from "../../store/session.ts";
import { profileOf } from "../agents/list.ts";
import type { AgentMethodParts } from "../agents/parts.ts";
import type { NamedMethod } from "../method.ts";
import { costOf, type SessionUsage } from "./cost.ts";

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const PAGE = 200;
/** Sessions that are looked at for one answer. */
const MAX_SESSIONS = 20_000;

const Day = z.iso.date();
const Cost = z.strictObject({
  /** Days of UTC, both included. */
  startDate: Day.optional(),
  endDate: Day.optional(),
  days: z.int().min(1).max(3_650).optional(),
  agentId: z.string().min(1).max(64).optional(),
  agentScope: z.literal("all").optional(),
  mode: z.enum(["utc", "gateway", "specific"]).optional(),
  utcOffset: z.string().max(16).optional(),
  timeZone: z.string().max(64).optional(),
});
const Status = z.strictObject({});

export interface UsageMethodParts extends AgentMethodParts {
  readonly sessions: Pick<SessionStore, "list">;
}

export function usageMethods(parts: UsageMethodParts): readonly NamedMethod[] {
  return [
    [
      "usage.status",
      {
        scope: "operator.read",
        call(params) {
          Status.parse(params);
          // Quotas are told to accounts of people; we have keys, and no vendor tells them any.
          return { updatedAt: parts.now(), providers: [] };
        },
      },
    ],
    ["usage.cost", { scope: "operator.read", call: (params) => cost(parts, Cost.parse(params)) }],
  ];
}

async function cost(parts: UsageMethodParts, query: z.output<typeof Cost>): Promise<object> {
  const { settings, now } = parts;
  if (query.agentScope === "all" && query.agentId !== undefined) {
    throw new GatewayError("invalid_request", "agentScope=all cannot be combined with agentId");
  }
  const { from, until } = rangeOf(query, now());
  const agentId = query.agentScope === "all" ? undefined : profileOf(parts, query.agentId).id;
  const used = await usedSince(parts.sessions, from, agentId);
  const live = settings();
  const { totals, daily } = costOf(
    used.filter(({ updatedAt }) => updatedAt < until),
    (model) => factsOf(model, live).cost,
  );
  const days = Math.round((until - from) / DAY_MS);
  return { updatedAt: now(), days, daily, totals };
}

function rangeOf(
  { startDate, endDate, days = DEFAULT_DAYS }: z.output<typeof Cost>,
  now: number,
): { readonly from: number; readonly until: number } {
  const last = endDate === undefined ? Math.floor(now / DAY_MS) * DAY_MS : Date.parse(endDate);
  const from = startDate === undefined ? last - (days - 1) * DAY_MS : Date.parse(startDate);
  if (from > last) throw new GatewayError("invalid_request", "startDate is after endDate");
  return { from, until: last + DAY_MS };
}

async function usedSince(
  sessions: UsageMethodParts["sessions"],
  since: number,
  agentId: string | undefined,
): Promise<SessionUsage[]> {
  const used: SessionUsage[] = [];
  for (let offset = 0; offset < MAX_SESSIONS; offset += PAGE) {
    const filter = { limit: PAGE, offset, updatedSince: since, agentId, archived: "all" } as const;
    const page = await sessions.list(filter);
    for (const { inputTokens, outputTokens, updatedAt, lastRun } of page.sessions) {
      used.push({ inputTokens, outputTokens, updatedAt, model: lastRun?.model });
    }
    if (page.sessions.length < PAGE) break;
  }
  return used;
}
