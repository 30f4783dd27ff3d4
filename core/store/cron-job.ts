/** What a job of the scheduler is: as clients send it, as it is kept, and as they read it again. */
import * as z from "zod";
import { AT, TEXT } from "./cron-fields.ts";

/**
 * When it is due. Times are Unix ms.
 * Source: CronScheduleSchema of @openclaw/gateway-protocol, less what runs programs.
 */
export const CronSchedule = z.discriminatedUnion("kind", [
  /** Once: an ISO 8601 moment with its offset. */
  z.strictObject({ kind: z.literal("at"), at: z.string().min(1).max(64) }),
  /** Every so many milliseconds, counted from the anchor. */
  z.strictObject({
    kind: z.literal("every"),
    everyMs: z.int().min(1).max(AT.max),
    anchorMs: AT.field.optional(),
  }),
  /** Five fields, or six with seconds first; without a zone: that of the gateway's host. */
  z.strictObject({
    kind: z.literal("cron"),
    expr: z.string().min(1).max(256),
    tz: z.string().max(64).optional(),
    staggerMs: z.int().min(0).max(AT.max).optional(),
  }),
]);
export type CronSchedule = z.output<typeof CronSchedule>;

const Tools = {
  toolsAllow: z.array(z.string().max(128)).max(256).optional(),
  toolsAllowIsDefault: z.boolean().optional(),
};

/** What it does. `heartbeat` is ours alone: nobody can ask for it. */
export const CronPayload = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("systemEvent"), text: TEXT, ...Tools }),
  z.strictObject({
    kind: z.literal("agentTurn"),
    message: TEXT,
    model: z.string().min(1).max(256).optional(),
    fallbacks: z.array(z.string().min(1).max(256)).max(16).optional(),
    thinking: z.string().max(32).optional(),
    /** 0: as long as a turn may take. */
    timeoutSeconds: z.number().min(0).max(86_400).optional(),
    allowUnsafeExternalContent: z.boolean().optional(),
    lightContext: z.boolean().optional(),
    ...Tools,
  }),
  z.strictObject({ kind: z.literal("heartbeat") }),
]);
export type CronPayload = z.output<typeof CronPayload>;

const Destination = z.string().trim().min(1).max(256);

export const CronDelivery = z.strictObject({
  mode: z.enum(["none", "announce"]),
  /** `last`: where the owner was talked to last. */
  channel: Destination.optional(),
  to: Destination.optional(),
  threadId: z.union([z.string().max(256), z.number()]).optional(),
  accountId: z.string().min(1).max(256).optional(),
  /** True: the run has succeeded even when nothing could be delivered. */
  bestEffort: z.boolean().optional(),
  /** Who is told of failures in place of the recipient. */
  failureDestination: z
    .strictObject({
      channel: Destination.optional(),
      to: Destination.optional(),
      accountId: z.string().min(1).max(256).optional(),
      mode: z.literal("announce").optional(),
    })
    .optional(),
});
export type CronDelivery = z.output<typeof CronDelivery>;

/** When and whom to tell that it fails; false: never. */
export const CronFailureAlert = z.union([
  z.literal(false),
  z.strictObject({
    after: z.int().min(1).max(1_000).optional(),
    channel: Destination.optional(),
    to: Destination.optional(),
    cooldownMs: z.int().min(0).max(AT.max).optional(),
    includeSkipped: z.boolean().optional(),
    mode: z.literal("announce").optional(),
    accountId: z.string().min(1).max(256).optional(),
  }),
]);
export type CronFailureAlert = z.output<typeof CronFailureAlert>;

/** Due times that passed while nothing could run: none of them, the newest, or all, oldest first. */
export const MissedRuns = z.enum(["skip", "once", "all"]);
export type MissedRuns = z.output<typeof MissedRuns>;

export const SessionTarget = z
  .string()
  .max(256)
  .regex(/^(?:main|isolated|current|session:.+)$/, "must be main, isolated or session:<key>");

export const CronStatusWord = z.enum(["ok", "error", "skipped"]);
export const CronDeliveryStatus = z.enum([
  "delivered",
  "not-delivered",
  "unknown",
  "not-requested",
]);
export type CronStatusWord = z.output<typeof CronStatusWord>;
export type CronDeliveryStatus = z.output<typeof CronDeliveryStatus>;

/** What has become of it so far. */
export const CronState = z.strictObject({
  /** Undefined: never again, or not while it is disabled. */
  nextRunAtMs: AT.field.optional(),
  runningAtMs: AT.field.optional(),
  lastRunAtMs: AT.field.optional(),
  lastStatus: CronStatusWord.optional(),
  lastError: z.string().optional(),
  lastDurationMs: z.int().min(0).optional(),
  consecutiveErrors: z.int().min(0).optional(),
  consecutiveSkipped: z.int().min(0).optional(),
  lastDelivered: z.boolean().optional(),
  lastDeliveryStatus: CronDeliveryStatus.optional(),
  lastDeliveryError: z.string().optional(),
  lastFailureAlertAtMs: AT.field.optional(),
  /** `nextRunAtMs` is another try of this due time. */
  retry: z.strictObject({ dueMs: AT.field, attempt: z.int().min(2) }).optional(),
  /** The newest due time that was taken up. */
  lastDueMs: AT.field.optional(),
  /** Why it was disabled by us. */
  stopped: z.string().optional(),
});
export type CronState = z.output<typeof CronState>;

/** What its owner says of it. */
export const CronDefinition = z.strictObject({
  name: z.string().trim().min(1).max(200),
  displayName: z.string().trim().min(1).max(200).optional(),
  declarationKey: z.string().trim().min(1).max(200).optional(),
  description: z.string().max(2_000).optional(),
  agentId: z.string().min(1).max(64).optional(),
  sessionKey: z.string().min(1).max(256).optional(),
  enabled: z.boolean(),
  deleteAfterRun: z.boolean().optional(),
  schedule: CronSchedule,
  sessionTarget: SessionTarget,
  wakeMode: z.enum(["next-heartbeat", "now"]),
  payload: CronPayload,
  delivery: CronDelivery.optional(),
  failureAlert: CronFailureAlert.optional(),
  /** Undefined: as `cron.missedRuns` says. */
  missedRuns: MissedRuns.optional(),
});
export type CronDefinition = z.output<typeof CronDefinition>;

export const CronJob = z.strictObject({
  id: z.string().min(1).max(128),
  createdAtMs: AT.field,
  updatedAtMs: AT.field,
  definition: CronDefinition,
  state: CronState,
});
export type CronJob = z.output<typeof CronJob>;

/** One run as history shows it. */
export const CronRunRecord = z.strictObject({
  /** Unix ms of its end. */
  ts: AT.field,
  status: CronStatusWord,
  completionStatus: z.enum(["succeeded", "failed", "unknown"]),
  error: z.string().optional(),
  summary: z.string().optional(),
  delivered: z.boolean().optional(),
  deliveryStatus: CronDeliveryStatus,
  deliveryError: z.string().optional(),
  deliverySuppressionReason: z.string().optional(),
  sessionKey: z.string().optional(),
  runAtMs: AT.field,
  durationMs: z.int().min(0),
  nextRunAtMs: AT.field.optional(),
  model: z.string().optional(),
  provider: z.string().optional(),
  usage: z
    .strictObject({
      input_tokens: z.int().min(0),
      output_tokens: z.int().min(0),
      total_tokens: z.int().min(0),
    })
    .optional(),
  jobName: z.string(),
});
export type CronRunRecord = z.output<typeof CronRunRecord>;

/** Private notes that a job keeps from run to run. */
export interface CronScratch {
  /** Undefined: they were taken away. */
  readonly content: string | undefined;
  /** Raised by one with every change. */
  readonly revision: number;
  readonly updatedAtMs: number;
}
