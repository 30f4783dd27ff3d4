/** What is to be done with a job now, and after a run of it. Pure. */
import type { ErrorCode } from "../../shared/errors.ts";
import type { CronClaim } from "../store/cron.ts";
import type {
  CronDeliveryStatus,
  CronJob,
  CronState,
  CronStatusWord,
  MissedRuns,
} from "../store/cron-job.ts";
import type { DueTimes } from "./schedule.ts";

/** A due time that is less late than this counts as in time, however missed ones are handled. */
const IN_TIME_MS = 60_000;
/** Missed runs that are made up for, the newest: more would keep an agent busy with the past. */
export const MAX_MADE_UP = 100;
/** Tries of one due time, the first included. */
export const MAX_ATTEMPTS = 3;
/** Between two tries of one due time. */
const RETRY_MS = [30_000, 120_000] as const;
/** After so many failures in a row a job that comes again pauses: 30 s, 1 min, 5 min, 15 min, 1 h. */
const PAUSE_MS = [30_000, 60_000, 300_000, 900_000, 3_600_000] as const;

/** Failures that another try may not meet again. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  "model_overloaded",
  "rate_limited",
  "model_timeout",
  "model_failed",
  "overloaded",
]);

/** What to do with a job that may be due. */
export type Step =
  | { readonly do: "nothing" }
  /** It moves on without a run. */
  | { readonly do: "move"; readonly state: CronState }
  /** A due time is taken up. */
  | { readonly do: "claim"; readonly claim: CronClaim; readonly state: CronState };

/** @param missed - What happens to due times that could not be run. */
export function stepOf(job: CronJob, due: DueTimes, now: number, missed: MissedRuns): Step {
  const { state, definition } = job;
  const { nextRunAtMs } = state;
  if (!definition.enabled || nextRunAtMs === undefined || nextRunAtMs > now) {
    return { do: "nothing" };
  }
  if (state.retry !== undefined) {
    const { dueMs, attempt } = state.retry;
    const next = due.next(Math.max(dueMs, state.lastDueMs ?? 0));
    return claimStep(job, { dueMs, attempt, now, next });
  }
  if (definition.schedule.kind === "at") {
    return claimStep(job, { dueMs: nextRunAtMs, attempt: 1, now, next: undefined });
  }
  const latest = due.latest(now) ?? nextRunAtMs;
  const isLate = now - latest >= IN_TIME_MS;
  if (missed === "skip" && isLate) {
    return { do: "move", state: { ...state, nextRunAtMs: due.next(now) } };
  }
  const dueMs = missed === "all" ? oldestMadeUp(due, nextRunAtMs, latest) : latest;
  return claimStep(job, { dueMs, attempt: 1, now, next: due.next(dueMs) });
}

/** The first of those that passed, or of the newest `MAX_MADE_UP`. */
function oldestMadeUp(due: DueTimes, first: number, latest: number): number {
  let oldest = latest;
  for (let count = 1; count < MAX_MADE_UP && oldest > first; count += 1) {
    oldest = due.latest(oldest - 1) ?? first;
  }
  return Math.max(oldest, first);
}

function claimStep(
  { id, state }: CronJob,
  at: { dueMs: number; attempt: number; now: number; next: number | undefined },
): Step {
  const { dueMs, attempt, now, next } = at;
  const claim: CronClaim = {
    id: claimId(id, dueMs, attempt),
    jobId: id,
    dueMs,
    attempt,
    trigger: "schedule",
    claimedAt: now,
  };
  return {
    do: "claim",
    claim,
    state: {
      ...state,
      nextRunAtMs: next,
      retry: undefined,
      runningAtMs: now,
      lastDueMs: Math.max(dueMs, state.lastDueMs ?? 0),
    },
  };
}

/** The name of a run: the same due time has the same one in every process there will ever be. */
export function claimId(jobId: string, dueMs: number, attempt: number): string {
  return attempt === 1 ? `cron:${jobId}:${dueMs}` : `cron:${jobId}:${dueMs}:${attempt}`;
}

/** How a run ended. */
export interface Outcome {
  readonly status: CronStatusWord;
  readonly error: string | undefined;
  readonly code: ErrorCode | undefined;
  readonly endedAt: number;
  readonly deliveryStatus: CronDeliveryStatus;
  readonly deliveryError: string | undefined;
  /** Requested and required, and not arrived. */
  readonly undelivered: boolean;
}

/** What a job is after a run of it; `job` undefined: it is gone. */
export interface After {
  readonly job: CronJob | undefined;
  /** The same due time will be tried again. */
  readonly again: boolean;
}

export function afterRun(job: CronJob, claim: CronClaim, outcome: Outcome, due: DueTimes): After {
  const { state, definition } = job;
  const failed = outcome.status === "error";
  const errors = failed ? (state.consecutiveErrors ?? 0) + 1 : 0;
  const ended: CronState = {
    ...state,
    runningAtMs: undefined,
    lastRunAtMs: claim.claimedAt,
    lastStatus: outcome.status,
    lastError: outcome.error,
    lastDurationMs: Math.max(0, outcome.endedAt - claim.claimedAt),
    consecutiveErrors: errors,
    consecutiveSkipped: outcome.status === "skipped" ? (state.consecutiveSkipped ?? 0) + 1 : 0,
    lastDelivered: outcome.deliveryStatus === "delivered",
    lastDeliveryStatus: outcome.deliveryStatus,
    lastDeliveryError: outcome.deliveryError,
  };
  // Somebody's own try says nothing about the schedule.
  if (claim.trigger === "manual") return { job: { ...job, state: ended }, again: false };
  const retryAt = failed ? retryTime(claim, outcome, ended.nextRunAtMs) : undefined;
  if (retryAt !== undefined) {
    const retry = { dueMs: claim.dueMs, attempt: claim.attempt + 1 };
    return { job: { ...job, state: { ...ended, nextRunAtMs: retryAt, retry } }, again: true };
  }
  if (definition.schedule.kind === "at")
    return { job: afterOnce(job, ended, outcome), again: false };
  const nextRunAtMs = failed ? paused(ended, errors, outcome.endedAt, due) : ended.nextRunAtMs;
  return { job: { ...job, state: { ...ended, nextRunAtMs } }, again: false };
}

/** What happens once is over: gone if it may, or else kept for people to look at. */
function afterOnce(job: CronJob, ended: CronState, outcome: Outcome): CronJob | undefined {
  const { definition } = job;
  // Changed while it ran: the new moment counts.
  if (ended.nextRunAtMs !== undefined) return { ...job, state: ended };
  const isDone = outcome.status === "ok" && !outcome.undelivered;
  if (isDone && definition.deleteAfterRun === true) return undefined;
  return { ...job, definition: { ...definition, enabled: false }, state: ended };
}

/** Before the next due time, which makes another try of this one pointless. */
function retryTime(
  claim: CronClaim,
  { code, endedAt }: Outcome,
  next: number | undefined,
): number | undefined {
  if (code === undefined || !PASSING.has(code) || claim.attempt >= MAX_ATTEMPTS) return undefined;
  const at = endedAt + (RETRY_MS[claim.attempt - 1] ?? RETRY_MS[1]);
  return next === undefined || at < next ? at : undefined;
}

/** The first due time after the pause that failures in a row bring; due times in it are let go. */
function paused(
  { nextRunAtMs }: CronState,
  errors: number,
  endedAt: number,
  due: DueTimes,
): number | undefined {
  const until = endedAt + (PAUSE_MS[Math.min(errors, PAUSE_MS.length) - 1] ?? 0);
  if (nextRunAtMs === undefined || nextRunAtMs >= until) return nextRunAtMs;
  return due.next(until - 1);
}

/** Failures that call for an alert unless one was sent within the cooldown. */
export interface AlertRule {
  readonly after: number;
  readonly cooldownMs: number;
  readonly includeSkipped: boolean;
}

export function isAlertDue(state: CronState, rule: AlertRule, now: number): boolean {
  const { consecutiveErrors = 0, consecutiveSkipped = 0, lastFailureAlertAtMs } = state;
  const count = Math.max(consecutiveErrors, rule.includeSkipped ? consecutiveSkipped : 0);
  if (count < rule.after) return false;
  return lastFailureAlertAtMs === undefined || now - lastFailureAlertAtMs >= rule.cooldownMs;
}

/**
 * The due time to wait for after a clock was set: one that lies further ahead than the schedule
 * has it was reckoned with a clock that ran ahead.
 */
export function reckoned(job: CronJob, due: DueTimes, now: number): number | undefined {
  const { nextRunAtMs, retry } = job.state;
  if (nextRunAtMs === undefined || retry !== undefined) return nextRunAtMs;
  if (job.definition.schedule.kind === "at" || nextRunAtMs <= now) return nextRunAtMs;
  const pauseMs = Math.max(0, ...PAUSE_MS);
  const natural = due.next(now);
  const furthest = due.next(now + pauseMs) ?? nextRunAtMs;
  return natural !== undefined && nextRunAtMs > furthest ? natural : nextRunAtMs;
}
