/** Jobs of the scheduler. */
import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { firstDue } from "../cron/schedule.ts";
import { definitionOf } from "../methods/cron/input.ts";
import type { CronStore } from "../store/cron.ts";
import type { CronDefinition, CronJob } from "../store/cron-job.ts";
import type { Step } from "./step.ts";

const MAX_JOBS = 1_000;

const Loose = z.looseObject({ kind: z.string() });
/** Over its versions; what is not named here is of no use elsewhere. */
const SourceJob = z.looseObject({
  id: z.string().min(1).max(128),
  name: z.string().default(""),
  declarationKey: z.string().optional(),
  description: z.string().optional(),
  agentId: z.string().optional(),
  sessionKey: z.string().optional(),
  enabled: z.boolean().default(true),
  deleteAfterRun: z.boolean().optional(),
  createdAtMs: z.number().optional(),
  schedule: Loose.extend({ atMs: z.number().optional() }),
  sessionTarget: z.string().default("main"),
  wakeMode: z.string().default("now"),
  payload: Loose,
  delivery: z.looseObject({ mode: z.string() }).optional(),
});
type SourceJob = z.output<typeof SourceJob>;

/** Fields that jobs of both have in common, by what they are. */
const FIELDS = {
  systemEvent: ["kind", "text"],
  agentTurn: [
    "kind",
    "message",
    "model",
    "fallbacks",
    "thinking",
    "timeoutSeconds",
    "lightContext",
  ],
  delivery: ["mode", "channel", "to", "threadId", "accountId", "bestEffort"],
} as const;

/** Of its database. */
export function databaseJobs(db: DatabaseSync): unknown[] {
  const Row = z.object({ job_json: z.string() });
  try {
    const rows = db.prepare("select job_json from cron_jobs order by sort_order limit ?");
    return rows.all(MAX_JOBS).map((row): unknown => JSON.parse(Row.parse(row).job_json));
  } catch (cause) {
    const message = "its jobs are laid out as this version does not know it";
    throw new GatewayError("version_unsupported", message, { cause });
  }
}

/** Of `cron/jobs.json`. */
export function fileJobs(document: unknown): readonly unknown[] {
  const parsed = z.object({ jobs: z.array(z.unknown()).max(MAX_JOBS) }).safeParse(document);
  return parsed.data?.jobs ?? [];
}

export interface JobTarget {
  readonly cron: Pick<CronStore, "load" | "save">;
  /** IANA name, for schedules that name none. */
  readonly hostZone: string;
  /** Unix ms. */
  readonly now: number;
}

/** @param there - Ids of the jobs we have. */
export function jobStep(job: unknown, there: ReadonlySet<string>, target: JobTarget): Step {
  const parsed = SourceJob.safeParse(job);
  if (!parsed.success) {
    return { part: "cron", name: "a job", verdict: "left", note: "it cannot be understood" };
  }
  const { id, name, declarationKey } = parsed.data;
  const named = { part: "cron", name: name === "" ? id : name } as const;
  // Its heartbeat and its plugins make theirs anew; ours are made by the config.
  if (declarationKey !== undefined) {
    return { ...named, verdict: "left", note: "OpenClaw made it for itself" };
  }
  if (there.has(id)) return { ...named, verdict: "same" };
  const made = jobOf(parsed.data, target);
  if (typeof made === "string") return { ...named, verdict: "left", note: made };
  return { ...named, verdict: "add", apply: () => target.cron.save(made) };
}

/** A text: why there is none. */
function jobOf(source: SourceJob, { hostZone, now }: JobTarget): CronJob | string {
  try {
    const definition = definitionOf(paramsOf(source), now);
    const due = firstDue(definition.schedule, source.id, { now, hostZone });
    if (!due.ok && due.error.reason === "never") return "its time has passed";
    if (!due.ok) return due.error.message;
    const next = definition.enabled ? { nextRunAtMs: due.value } : {};
    const at = source.createdAtMs ?? now;
    return { id: source.id, createdAtMs: at, updatedAtMs: now, definition, state: next };
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    if (error instanceof z.ZodError) {
      const path = error.issues[0]?.path.join(".") ?? "";
      return `${path === "" ? "it" : path} is not as it is here`;
    }
    throw error;
  }
}

function paramsOf(source: SourceJob): Partial<Record<keyof CronDefinition, unknown>> {
  const { schedule, payload, delivery, name, id } = source;
  const { description, agentId, sessionKey, enabled, deleteAfterRun } = source;
  const isTurn = payload.kind === "agentTurn";
  const fields = isTurn ? FIELDS.agentTurn : FIELDS.systemEvent;
  const isKnown = isTurn || payload.kind === "systemEvent";
  return {
    name: name === "" ? id : name,
    ...given({ description, agentId, sessionKey, deleteAfterRun }),
    enabled,
    schedule: scheduleOf(schedule),
    sessionTarget: source.sessionTarget,
    wakeMode: source.wakeMode,
    payload: isKnown ? picked(payload, fields) : payload,
    ...given({ delivery: isTurn ? deliveryOf(delivery, payload) : undefined }),
  };
}

/** Before 2026.2 a moment was a number. */
function scheduleOf({ atMs, ...schedule }: SourceJob["schedule"]): object {
  const isMoment = schedule.kind === "at" && atMs !== undefined && !("at" in schedule);
  return isMoment ? { kind: "at", at: new Date(atMs).toISOString() } : schedule;
}

/** In its first versions the payload said where the answer goes. */
function deliveryOf(
  delivery: SourceJob["delivery"],
  payload: z.output<typeof Loose>,
): object | undefined {
  if (delivery !== undefined) return picked(delivery, FIELDS.delivery);
  if (payload["deliver"] === false) return { mode: "none" };
  const place = picked(payload, ["channel", "to"]);
  return Object.keys(place).length === 0 ? undefined : { mode: "announce", ...place };
}

function picked(value: object, names: readonly string[]): object {
  return Object.fromEntries(
    Object.entries(value).filter(([name, one]) => names.includes(name) && one !== null),
  );
}

function given(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
