/** What clients say of a job -> what is kept of it. Pure. Source: CronAddParamsSchema and CronUpdateParamsSchema of @openclaw/gateway-protocol. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { momentOf, spanMs } from "../../cron/schedule.ts";
import {
  CronDefinition,
  CronDelivery,
  CronFailureAlert,
  CronPayload,
  CronSchedule,
  MissedRuns,
} from "../../store/cron-job.ts";

/** What this gateway does not do by the clock, and what to do instead. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  "payload.kind=command": "it runs no programs; use payload.kind agentTurn",
  "payload.kind=script": "it runs no programs; use payload.kind agentTurn",
  "payload.kind=heartbeat": "set agents.defaults.heartbeat in the config",
  "payload.kind=skillCollectionReview": "it has no collections of skills",
  "schedule.kind=on-exit": "it runs no programs; use schedule.kind at, every or cron",
  "schedule.kind=stream": "it runs no programs; use schedule.kind at, every or cron",
  "delivery.mode=webhook":
    "use hooks.internal with cron:finished, which posts to a URL of the config",
  trigger: "it runs no scripts",
  pacing: "use schedule.kind every",
  owner: "jobs belong to the gateway's owner",
};

const Peek = z.looseObject({
  payload: z.looseObject({ kind: z.unknown() }).optional().catch(undefined),
  schedule: z.looseObject({ kind: z.unknown() }).optional().catch(undefined),
  delivery: z.looseObject({ mode: z.unknown() }).nullish().catch(undefined),
});

const Add = CronDefinition.extend({
  enabled: z.boolean().default(true),
  agentId: z.string().min(1).max(64).nullish(),
  sessionKey: z.string().min(1).max(256).nullish(),
  wakeMode: CronDefinition.shape.wakeMode.default("now"),
});

/** Null takes a field away. */
function clearable<T extends z.ZodType>(schema: T): z.ZodOptional<z.ZodNullable<T>> {
  return schema.nullable().optional();
}

const [SystemEvent, AgentTurn] = CronPayload.options;
const turn = AgentTurn.shape;
const PayloadPatch = z.discriminatedUnion("kind", [
  SystemEvent.partial({ text: true }).extend({ toolsAllow: clearable(z.array(z.string())) }),
  AgentTurn.partial({ message: true }).extend({
    model: clearable(z.string().min(1).max(256)),
    fallbacks: clearable(z.array(z.string()).max(16)),
    thinking: clearable(z.string().max(32)),
    timeoutSeconds: clearable(turn.timeoutSeconds.unwrap()),
    toolsAllow: clearable(z.array(z.string())),
  }),
]);

const text = z.string().trim().min(1).max(256);
const DeliveryPatch = z.strictObject({
  mode: z.enum(["none", "announce"]).optional(),
  channel: clearable(text),
  to: clearable(text),
  threadId: clearable(z.union([z.string(), z.number()])),
  accountId: clearable(text),
  bestEffort: z.boolean().optional(),
  failureDestination: clearable(
    z.strictObject({
      channel: clearable(text),
      to: clearable(text),
      accountId: clearable(text),
      mode: clearable(z.literal("announce")),
    }),
  ),
  completionDestination: z.null().optional(),
});

const AlertPatch = z.union([
  z.literal(false),
  z.strictObject({
    after: clearable(z.int().min(1)),
    channel: clearable(text),
    to: clearable(text),
    cooldownMs: clearable(z.int().min(0)),
    includeSkipped: clearable(z.boolean()),
    mode: clearable(z.literal("announce")),
    accountId: clearable(text),
  }),
]);

const { shape } = CronDefinition;
const Patch = z.strictObject({
  name: shape.name.optional(),
  displayName: clearable(z.string().trim().min(1).max(200)),
  description: shape.description,
  agentId: clearable(z.string().min(1).max(64)),
  sessionKey: clearable(z.string().min(1).max(256)),
  enabled: z.boolean().optional(),
  deleteAfterRun: z.boolean().optional(),
  schedule: CronSchedule.optional(),
  sessionTarget: shape.sessionTarget.optional(),
  wakeMode: shape.wakeMode.optional(),
  payload: PayloadPatch.optional(),
  delivery: DeliveryPatch.optional(),
  failureAlert: clearable(AlertPatch),
  missedRuns: clearable(MissedRuns),
});

const Id = z.union([
  z.strictObject({ id: z.string().min(1).max(128) }),
  z.strictObject({ jobId: z.string().min(1).max(128) }),
]);

/** The id in params that may call it `id` or `jobId`, and what else is in them. */
export function idAndRest(params: unknown): { readonly id: string; readonly rest: object } {
  const { id, jobId, ...rest } = z
    .looseObject({ id: z.unknown(), jobId: z.unknown() })
    .partial()
    .parse(params);
  const named = Id.parse({
    ...(id !== undefined && { id }),
    ...(jobId !== undefined && { jobId }),
  });
  return { id: "id" in named ? named.id : named.jobId, rest };
}

/**
 * @throws ZodError; GatewayError invalid_request for what this gateway does not do.
 */
export function definitionOf(params: unknown, now: number): CronDefinition {
  refuseUnsupported(params);
  const { agentId, sessionKey, ...given } = Add.parse(params);
  const { schedule, payload, sessionTarget } = given;
  const isTurnApart = payload.kind === "agentTurn" && sessionTarget !== "main";
  return checked({
    ...given,
    ...(typeof agentId === "string" && { agentId }),
    ...(typeof sessionKey === "string" && { sessionKey }),
    schedule: normalized(schedule, now),
    ...(schedule.kind === "at" && { deleteAfterRun: given.deleteAfterRun ?? true }),
    ...(isTurnApart && { delivery: given.delivery ?? { mode: "announce" } }),
  });
}

const Update = z.strictObject({
  patch: z.unknown(),
  expectedConfigRevision: z.string().min(1).max(128).optional(),
});

export interface Update {
  readonly expected: string | undefined;
  /** @throws as `definitionOf` */
  change(before: CronDefinition): CronDefinition;
}

/** @throws ZodError; GatewayError invalid_request */
export function updateOf(rest: unknown, now: number): Update {
  const { patch: given, expectedConfigRevision: expected } = Update.parse(rest);
  refuseUnsupported(given);
  const patch = Patch.parse(given);
  return { expected, change: (before) => merged(before, patch, now) };
}

function merged(
  before: CronDefinition,
  patch: z.output<typeof Patch>,
  now: number,
): CronDefinition {
  const { payload, delivery, failureAlert, schedule, ...plain } = patch;
  const { completionDestination: _none, ...deliveryPatch } = delivery ?? {};
  const parts = {
    ...plain,
    ...(schedule !== undefined && { schedule: normalized(schedule, now, before.schedule) }),
    ...(payload !== undefined && { payload: payloadOf(before.payload, payload) }),
    ...(delivery !== undefined && { delivery: deliveryOf(before.delivery, deliveryPatch) }),
    ...(failureAlert !== undefined && { failureAlert: alertOf(before.failureAlert, failureAlert) }),
  };
  return checked(CronDefinition.parse(overlay(before, parts)));
}

function payloadOf(before: CronPayload, patch: z.output<typeof PayloadPatch>): CronPayload {
  return CronPayload.parse(overlay(before.kind === patch.kind ? before : {}, patch));
}

function deliveryOf(before: CronDelivery | undefined, patch: object): CronDelivery {
  return CronDelivery.parse(overlay(before ?? { mode: "announce" }, patch));
}

function alertOf(
  before: CronFailureAlert | undefined,
  patch: z.output<typeof AlertPatch> | null,
): CronFailureAlert | null {
  if (patch === null || patch === false) return patch;
  return CronFailureAlert.parse(overlay(before === false ? {} : (before ?? {}), patch));
}

/** Null in a patch takes the field away; objects below it are patched the same way. */
function overlay(before: object, patch: object): object {
  const fields = new Map<string, unknown>(Object.entries(before));
  for (const [key, value] of Object.entries(patch)) {
    const old = fields.get(key);
    if (value === undefined) continue;
    if (value === null) fields.delete(key);
    else if (key === "failureDestination" && isObject(value)) {
      fields.set(key, overlay(isObject(old) ? old : {}, value));
    } else fields.set(key, value);
  }
  return Object.fromEntries(fields);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A moment as ISO 8601 in UTC; an interval with the moment it counts from. */
function normalized(schedule: CronSchedule, now: number, before?: CronSchedule): CronSchedule {
  if (schedule.kind === "at") {
    const span = spanMs(schedule.at);
    const isBare = /^\d+$/.test(schedule.at.trim());
    const at =
      momentOf(schedule.at, "UTC") ?? (span === undefined || isBare ? undefined : now + span);
    return at === undefined ? schedule : { kind: "at", at: new Date(at).toISOString() };
  }
  if (schedule.kind === "every" && schedule.anchorMs === undefined) {
    const isSame = before?.kind === "every" && before.everyMs === schedule.everyMs;
    return { ...schedule, anchorMs: (isSame ? before.anchorMs : undefined) ?? now };
  }
  return schedule;
}

function checked(definition: CronDefinition): CronDefinition {
  const { payload, sessionTarget } = definition;
  if (payload.kind === "systemEvent" && sessionTarget !== "main") {
    throw new GatewayError(
      "invalid_request",
      `payload.kind systemEvent needs sessionTarget "main"; for ${JSON.stringify(sessionTarget)} use agentTurn`,
    );
  }
  return definition;
}

function refuseUnsupported(params: unknown): void {
  const peek = Peek.safeParse(params);
  if (!peek.success) return;
  const { payload, schedule, delivery, ...rest } = peek.data;
  const found = [
    `payload.kind=${String(payload?.kind)}`,
    `schedule.kind=${String(schedule?.kind)}`,
    `delivery.mode=${String(delivery?.mode)}`,
    ...Object.entries(rest)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([key]) => key),
  ].find((one) => Object.hasOwn(UNSUPPORTED, one));
  if (found !== undefined) {
    throw new GatewayError(
      "invalid_request",
      `this gateway does not support ${found.replace("=", " ")}: ${UNSUPPORTED[found] ?? ""}`,
    );
  }
}
