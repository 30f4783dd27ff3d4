/** `usage.*`: what was used, and what it has cost. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { factsOf } from "../../models/catalog.ts";
import type { UsageStore } from "../../store/usage.ts";
import { profileOf } from "../agents/list.ts";
import type { AgentMethodParts } from "../agents/parts.ts";
import type { NamedMethod } from "../method.ts";
import { UsageAggregate } from "./aggregate.ts";
import { daysOf, SPAN_PARAMS } from "./days.ts";
import { dailyReports } from "./reports.ts";

const Cost = z.strictObject({
  ...SPAN_PARAMS,
  agentId: z.string().min(1).max(64).optional(),
  agentScope: z.literal("all").optional(),
});
const Status = z.strictObject({});

export interface UsageMethodParts extends AgentMethodParts {
  readonly usage: Pick<UsageStore, "report" | "oldestAt">;
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

/** In all and by the day, of one agent or of all; what belongs to no session as well. */
async function cost(parts: UsageMethodParts, query: z.output<typeof Cost>): Promise<object> {
  const { usage, settings, now } = parts;
  if (query.agentScope === "all" && query.agentId !== undefined) {
    throw new GatewayError("invalid_request", "agentScope=all cannot be combined with agentId");
  }
  const agentId = query.agentScope === "all" ? undefined : profileOf(parts, query.agentId).id;
  const { days, count } = daysOf(query, now(), await usage.oldestAt());
  const live = settings();
  const all = new UsageAggregate((ref) => factsOf(ref, live).cost);
  for await (const { date, report } of dailyReports(usage, days, { agentId }))
    all.add(date, report);
  return { updatedAt: now(), days: count, daily: all.daily, totals: all.totals };
}
