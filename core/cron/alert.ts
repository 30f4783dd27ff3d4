/** Who is told that a job fails again and again. Pure. */
import type { Config } from "../config/schema.ts";
import { mainSessionKey } from "../conversation/route.ts";
import type { CronDefinition, CronJob } from "../store/cron-job.ts";
import { type AlertRule, isAlertDue } from "./plan.ts";
import type { Wish } from "./target.ts";
import type { Executed } from "./turn.ts";

const MAX_ERROR_UNITS = 500;

type Common = Config["cron"]["failureAlert"];

export interface Alert {
  readonly wish: Wish;
  readonly text: string;
}

/** Undefined: nobody need be told now. */
export function alertOf(
  job: CronJob,
  executed: Executed,
  { failureAlert: common }: Config["cron"],
  now: number,
): Alert | undefined {
  const { definition, state } = job;
  if (executed.status === "ok" || !isWanted(definition, common)) return undefined;
  if (!isAlertDue(state, ruleOf(definition, common), now)) return undefined;
  const times = Math.max(state.consecutiveErrors ?? 0, state.consecutiveSkipped ?? 0);
  const error = (executed.error ?? "unknown").slice(0, MAX_ERROR_UNITS);
  const text = `⚠️ The job "${definition.name}" did not succeed ${times} times in a row: ${error}`;
  return { wish: wishOf(definition, common), text };
}

function ruleOf({ failureAlert }: CronDefinition, common: Common): AlertRule {
  const own = failureAlert || {};
  return {
    after: own.after ?? common.after,
    cooldownMs: own.cooldownMs ?? common.cooldownMs,
    includeSkipped: own.includeSkipped ?? common.includeSkipped,
  };
}

/** Whoever is named first is told: for these failures, for this job's, for all, for its answers. */
function wishOf(
  { failureAlert, delivery = { mode: "none" }, agentId }: CronDefinition,
  common: Common,
): Wish {
  const { failureDestination } = delivery;
  const named = [failureAlert || {}, failureDestination ?? {}, common, delivery];
  return {
    channel: named.find(({ channel }) => channel !== undefined)?.channel,
    to: named.find(({ to }) => to !== undefined)?.to,
    sessionKey: mainSessionKey(agentId ?? "main"),
  };
}

/** A job says so itself, or whoever hears its answers hears of its failures as well. */
function isWanted(
  { failureAlert: own, delivery, payload }: CronDefinition,
  common: Common,
): boolean {
  if (own === false || payload.kind === "heartbeat") return false;
  if (own !== undefined) return true;
  if (delivery?.bestEffort === true) return false;
  const isCommon = common.channel !== undefined || common.to !== undefined;
  const isAsked = delivery?.mode === "announce" || delivery?.failureDestination !== undefined;
  return common.enabled ?? (isCommon || isAsked);
}
