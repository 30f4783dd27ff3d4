/**
 * When a job is due. Pure: a schedule and a moment in, due times out; no clock, no timer.
 *
 * A due time is named by its moment, so every process that looks at a schedule sees the same ones:
 * that is what makes it possible to run each exactly once.
 */
import { createHash } from "node:crypto";
import { Cron } from "croner";
import { err, ok, type Result } from "../../shared/result.ts";
import type { CronSchedule } from "../store/cron-job.ts";
import { zonedMs } from "./zoned.ts";

export interface ScheduleFault {
  readonly reason: "bad_time" | "bad_expression" | "bad_zone" | "never" | "too_often";
  /** What is wrong and what would be right: for the one who wrote it. */
  readonly message: string;
}

/** More often than this a model cannot answer, and a disk should not write. */
export const MIN_EVERY_MS = 100;
/** On the hour everybody's jobs are due: those that need not be exact are spread over this. */
const TOP_OF_HOUR_STAGGER_MS = 5 * 60_000;
const SECOND_MS = 1_000;

/** A schedule that was looked at, and of one job: its due times. All moments are Unix ms. */
export interface DueTimes {
  /** The first after `after`; undefined: none any more. */
  readonly next: (after: number) => number | undefined;
  /** The last that is not after `at`; undefined: there was none. */
  readonly latest: (at: number) => number | undefined;
}

/**
 * @param seed - Id of the job: decides how far it is put off within its stagger.
 * @param hostZone - Of schedules that name none.
 */
export function dueTimes(
  schedule: CronSchedule,
  seed: string,
  hostZone: string,
): Result<DueTimes, ScheduleFault> {
  switch (schedule.kind) {
    case "at":
      return once(schedule.at);
    case "every":
      return every(schedule.everyMs, schedule.anchorMs ?? 0);
    case "cron":
      return crontab(schedule, seed, hostZone);
  }
}

function once(text: string): Result<DueTimes, ScheduleFault> {
  const at = momentOf(text);
  if (at === undefined) {
    return fault("bad_time", `${quoted(text)} is no moment: write it like 2026-12-24T18:00:00Z`);
  }
  return ok({
    next: (after) => (at > after ? at : undefined),
    latest: (now) => (at <= now ? at : undefined),
  });
}

function every(everyMs: number, anchorMs: number): Result<DueTimes, ScheduleFault> {
  if (everyMs < MIN_EVERY_MS) {
    return fault("too_often", `everyMs must be at least ${MIN_EVERY_MS}`);
  }
  /** The anchor itself is when it was made, not a due time. */
  const slot = (number: number): number => anchorMs + number * everyMs;
  return ok({
    next: (after) => slot(Math.max(1, Math.floor((after - anchorMs) / everyMs) + 1)),
    latest(at) {
      const number = Math.floor((at - anchorMs) / everyMs);
      return number >= 1 ? slot(number) : undefined;
    },
  });
}

function crontab(
  { expr, tz, staggerMs }: Extract<CronSchedule, { kind: "cron" }>,
  seed: string,
  hostZone: string,
): Result<DueTimes, ScheduleFault> {
  const zone = tz === undefined || tz.trim() === "" ? hostZone : tz.trim();
  if (!isZone(zone)) {
    return fault("bad_zone", `${quoted(zone)} is no time zone: write one like Europe/Berlin`);
  }
  const fields = expr.trim().split(/\s+/);
  if (fields.length > 6) {
    return fault(
      "bad_expression",
      `${quoted(expr)} has ${fields.length} fields: write five or six`,
    );
  }
  let pattern: Cron;
  try {
    pattern = new Cron(expr, { timezone: zone, mode: "5-or-6-parts", paused: true });
  } catch (error) {
    // Its message holds what was written, and the names of fields.
    const why = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : "unreadable";
    const remedy = "write minute hour day month weekday, like 0 7 * * 1-5";
    return fault("bad_expression", `${quoted(expr)} is no cron expression (${why}): ${remedy}`);
  }
  const putOff = offsetOf(seed, staggerMs ?? defaultStagger(fields));
  const due: DueTimes = {
    next(after) {
      const found = pattern.nextRun(new Date(after - putOff))?.getTime();
      return found === undefined ? undefined : found + putOff;
    },
    latest(at) {
      // What it finds is whole seconds before the one it is given.
      const second = Math.floor((at - putOff) / SECOND_MS) * SECOND_MS;
      const [found] = pattern.previousRuns(1, new Date(second + SECOND_MS));
      return found === undefined ? undefined : found.getTime() + putOff;
    },
  };
  return ok(due);
}

/** Whether `schedule` is due at all after `now`. */
export function firstDue(
  schedule: CronSchedule,
  seed: string,
  { now, hostZone }: { now: number; hostZone: string },
): Result<number, ScheduleFault> {
  const due = dueTimes(schedule, seed, hostZone);
  if (!due.ok) return due;
  const first = due.value.next(now);
  if (first !== undefined) return ok(first);
  return schedule.kind === "at"
    ? fault("never", `${quoted(schedule.at)} has passed: name a later moment, or a span like 20m`)
    : fault("never", "this schedule is never due: no such day exists");
}

/** On the hour of any hour, unless its owner says how exact it has to be. */
function defaultStagger(fields: readonly string[]): number {
  const [minute, hour = ""] = fields.length === 6 ? fields.slice(1) : fields;
  const isTopOfHour = minute === "0" && hour.startsWith("*");
  return isTopOfHour && (fields.length === 5 || fields[0] === "0") ? TOP_OF_HOUR_STAGGER_MS : 0;
}

/** The same for a job at all times: its due times must not wander. Whole seconds. */
function offsetOf(seed: string, staggerMs: number): number {
  if (staggerMs < SECOND_MS) return 0;
  const draw = createHash("sha256").update(seed).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor((draw * staggerMs) / SECOND_MS) * SECOND_MS;
}

/**
 * A moment as it is kept: ISO 8601 with its offset, or a number of Unix ms.
 *
 * @param zone - Of an ISO moment without an offset; undefined: such a one is none.
 */
export function momentOf(text: string, zone?: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d{10}$/.test(trimmed)) return Number(trimmed) * 1_000;
  if (/^\d{13,15}$/.test(trimmed)) return Number(trimmed);
  if (!/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?/.test(trimmed)) {
    return undefined;
  }
  const hasOffset = /(?:z|[+-]\d{2}:?\d{2})$/i.test(trimmed) && trimmed.length > 10;
  if (hasOffset) return numberOr(Date.parse(trimmed));
  if (zone === undefined) return undefined;
  const wall = Date.parse(`${trimmed.length === 10 ? `${trimmed}T00:00` : trimmed}Z`);
  return Number.isNaN(wall) || !isZone(zone) ? undefined : zonedMs(wall, zone);
}

const SPAN = /^(?<count>\d{1,9})\s*(?<unit>ms|s|sec|m|min|h|hr|d|w)?$/i;
const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  sec: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `90s`, `20m`, `1h30m` as milliseconds; a bare number counts `unit`. Undefined: no span. */
export function spanMs(text: string, unit = "m"): number | undefined {
  const parts = text.trim().match(/\d+\s*[a-z]*/gi) ?? [];
  if (parts.length === 0 || parts.join("") !== text.trim().replaceAll(/\s+(?=\d)/g, "")) {
    return undefined;
  }
  let total = 0;
  for (const part of parts) {
    const found = SPAN.exec(part.trim())?.groups;
    const size = UNITS[(found?.["unit"] ?? unit).toLowerCase()];
    if (found === undefined || size === undefined) return undefined;
    total += Number(found["count"]) * size;
  }
  return total;
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false; // a RangeError says that nobody knows this name
  }
}

function numberOr(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function fault(reason: ScheduleFault["reason"], message: string): Result<never, ScheduleFault> {
  return err({ reason, message });
}
