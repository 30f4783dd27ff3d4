import type { CronJob, CronRunRecord, CronScratch, CronStatusWord } from "./cron-job.ts";

/** A due time that was taken up. */
export interface CronClaim {
  /** `cron:<job>:<due>`, further tries of it with their number behind: no due time is taken up twice. */
  readonly id: string;
  readonly jobId: string;
  /** Unix ms. */
  readonly dueMs: number;
  /** 1 for the first try. */
  readonly attempt: number;
  /** `manual`: asked for by somebody; it is no due time of the schedule. */
  readonly trigger: "schedule" | "manual";
  readonly claimedAt: number;
}

export interface CronRunFilter {
  /** Undefined: of all jobs. */
  readonly jobId?: string | undefined;
  readonly runId?: string | undefined;
  readonly statuses?: readonly CronStatusWord[] | undefined;
  readonly deliveryStatuses?: readonly string[] | undefined;
  /** Part of the summary or of the error. */
  readonly query?: string | undefined;
  readonly sortDir?: "asc" | "desc" | undefined;
  readonly limit: number;
  readonly offset: number;
}

export interface CronRunPage {
  readonly runs: readonly { readonly claim: CronClaim; readonly record: CronRunRecord }[];
  readonly total: number;
}

/**
 * Jobs of the scheduler, and what became of their runs. Every method is one transaction, as in `Store`.
 * Only the core that leads writes here: it holds the writer lock of the store.
 */
export interface CronStore {
  /** All jobs, in the order they were made, and the runs that a process before us has begun. */
  load(): Promise<{ readonly jobs: readonly CronJob[]; readonly open: readonly CronClaim[] }>;
  /** Adds or replaces a job. */
  save(job: CronJob): Promise<void>;
  /** Removes a job with its scratch; its history stays as long as any. @returns False: there was none. */
  remove(jobId: string): Promise<boolean>;
  /**
   * Takes up a due time and moves the job on to its next, both or neither.
   *
   * @param job - As it is from now on.
   * @returns False: this one was taken up before, and only the job has moved on.
   */
  claim(claim: CronClaim, job: CronJob): Promise<boolean>;
  /**
   * Ends a run.
   *
   * @param job - As it is from now on; undefined: it is removed with its last run.
   */
  finish(claim: CronClaim, record: CronRunRecord, job: CronJob | undefined): Promise<void>;
  /** Ended runs, newest first unless told otherwise. */
  runs(filter: CronRunFilter): Promise<CronRunPage>;
  scratch(jobId: string): Promise<CronScratch | undefined>;
  /** @param content - Undefined: takes it away. @returns The revision after it. */
  setScratch(jobId: string, content: string | undefined, now: number): Promise<number>;
}
