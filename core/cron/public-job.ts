/** A job as clients see it. Pure. Source: CronJobSchema of @openclaw/gateway-protocol. */
import { createHash } from "node:crypto";
import type { CronJob } from "../store/cron-job.ts";

/** Without what repeats its state: as events carry it. */
export function publicJob({ id, createdAtMs, updatedAtMs, definition, state }: CronJob): object {
  const { missedRuns, ...rest } = definition;
  const { retry: _retry, lastDueMs: _due, stopped: _stopped, lastStatus, ...shown } = state;
  return {
    id,
    ...rest,
    // No word of the protocol: only who has used it sees it again.
    ...(missedRuns === undefined || definition.payload.kind === "heartbeat" ? {} : { missedRuns }),
    createdAtMs,
    updatedAtMs,
    state: {
      ...shown,
      ...(lastStatus === undefined ? {} : { lastStatus, lastRunStatus: lastStatus }),
    },
  };
}

/** With what lists of jobs show at a glance. */
export function listedJob(job: CronJob): object {
  const { state } = job;
  return {
    ...publicJob(job),
    configRevision: configRevision(job),
    ...defined({
      nextRunAtMs: state.nextRunAtMs,
      lastRunAtMs: state.lastRunAtMs,
      lastRunStatus: state.lastStatus,
      lastRunError: state.lastError,
      lastDelivered: state.lastDelivered,
      lastDeliveryStatus: state.lastDeliveryStatus,
      lastDeliveryError: state.lastDeliveryError,
    }),
  };
}

/** Names what its owner says of a job: two who change it at once do not undo each other. */
export function configRevision({ definition, createdAtMs }: CronJob): string {
  return hash([createdAtMs, definition]);
}

/** Names all jobs as they are now: pages of one list belong together. */
export function snapshotRevision(jobs: readonly CronJob[]): string {
  return hash(jobs.map((job) => [job.id, job.updatedAtMs, job.definition]));
}

function hash(value: unknown): string {
  return `sha256:${createHash("sha256").update(JSON.stringify(value)).digest("base64url")}`;
}

function defined(facts: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
