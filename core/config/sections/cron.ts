import * as z from "zod";

const DAY_MS = 24 * 3_600_000;
/** A turn keeps a model busy and a session in memory: these many are a lot for one machine. */
const MAX_CONCURRENT = 32;

const Destination = z.string().trim().min(1).max(256);

/** Jobs that run by the clock. All of it is read for every run. */
export const Cron = z.strictObject({
  /** False: jobs are kept, and none is run. */
  enabled: z.boolean().default(true),
  /** Runs at the same time; the rest waits. */
  maxConcurrentRuns: z.int().min(1).max(MAX_CONCURRENT).default(4),
  /** Due times that passed while the gateway was away: none, the newest one, or all of them. */
  missedRuns: z.enum(["skip", "once", "all"]).optional(),
  /** As OpenClaw has it: true means `missedRuns: "skip"`. */
  skipMissedJobs: z.boolean().optional(),
  /** Whom to tell when a job fails again and again. */
  failureAlert: z
    .strictObject({
      /** Left out: jobs that tell somebody their answers tell them this as well. */
      enabled: z.boolean().optional(),
      after: z.int().min(1).max(1_000).default(2),
      cooldownMs: z
        .int()
        .min(0)
        .max(365 * DAY_MS)
        .default(3_600_000),
      includeSkipped: z.boolean().default(false),
      mode: z.literal("announce").default("announce"),
      channel: Destination.optional(),
      to: Destination.optional(),
    })
    .prefault({}),
});
export type Cron = z.output<typeof Cron>;
