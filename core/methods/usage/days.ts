/** Days of a calendar, as somebody counts them who asks for usage. Pure. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { zonedMs } from "../../cron/zoned.ts";

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
/** A hundred years: what is kept ends long before. */
const MAX_DAYS = 36_600;

const Day = z.iso.date();

/** What the protocol has for a span of days. */
export const SPAN_PARAMS = {
  startDate: Day.optional(),
  endDate: Day.optional(),
  days: z.number().min(1).optional(),
  range: z.enum(["7d", "30d", "90d", "1y", "all"]).optional(),
  /** Whose days: `gateway` those of this machine, `specific` those of the zone named. */
  mode: z.enum(["utc", "gateway", "specific"]).optional(),
  utcOffset: z.string().max(16).optional(),
  timeZone: z.string().max(64).optional(),
};
const SpanParams = z.object(SPAN_PARAMS);
type SpanParams = z.output<typeof SpanParams>;

/** One day: from `from` on and before `until`, Unix ms. */
export interface DaySpan {
  readonly date: string;
  readonly from: number;
  readonly until: number;
}

export interface DaysAsked {
  readonly startDate: string;
  readonly endDate: string;
  /** How many were asked for. */
  readonly count: number;
  /** Oldest first; those before anything was kept, and those to come, are left out. */
  readonly days: readonly DaySpan[];
}

/**
 * @param oldestAt - When the oldest thing that is kept happened, Unix ms; undefined: there is none.
 * @throws GatewayError invalid_request for a zone there is not, or an end before the start.
 */
export function daysOf(params: SpanParams, now: number, oldestAt: number | undefined): DaysAsked {
  const calendar = calendarOf(params);
  const today = numberOf(calendar.dateOf(now));
  const oldest = numberOf(calendar.dateOf(Math.min(oldestAt ?? now, now)));
  const end = params.endDate === undefined ? today : numberOf(params.endDate);
  const start = startOf(params, end, oldest);
  if (start > end) throw refused("startDate must not be after endDate");
  const from = Math.max(start, oldest);
  const length = Math.max(0, Math.min(end, today) - from + 1);
  const days = Array.from({ length }, (_, index) => {
    const date = dateOf(from + index);
    return {
      date,
      from: calendar.startOf(date),
      until: calendar.startOf(dateOf(from + index + 1)),
    };
  });
  return { startDate: dateOf(start), endDate: dateOf(end), count: end - start + 1, days };
}

/** The day that something happened on; undefined: on none of them. */
export function dayAt(days: readonly DaySpan[], at: number): DaySpan | undefined {
  let low = 0;
  let high = days.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((days[middle]?.until ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  const found = days[low];
  return found !== undefined && found.from <= at ? found : undefined;
}

const RANGE_DAYS = { "7d": 7, "30d": 30, "90d": 90, "1y": 365 } as const;

function startOf({ startDate, range, days }: SpanParams, end: number, oldest: number): number {
  if (startDate !== undefined) return numberOf(startDate);
  if (range === "all") return Math.min(oldest, end);
  const asked = range === undefined ? (days ?? DEFAULT_DAYS) : RANGE_DAYS[range];
  return end - Math.min(Math.floor(asked), MAX_DAYS) + 1;
}

interface Calendar {
  dateOf(at: number): string;
  /** @returns Unix ms. */
  startOf(date: string): number;
}

function calendarOf({ mode, timeZone, utcOffset }: SpanParams): Calendar {
  if (mode === "gateway") return zoned(Intl.DateTimeFormat().resolvedOptions().timeZone);
  if (mode !== "specific") return shifted(0);
  const offset = utcOffset === undefined ? undefined : offsetOf(utcOffset);
  if (timeZone !== undefined) {
    if (isZone(timeZone)) return zoned(timeZone);
    if (offset !== undefined) return shifted(offset);
    throw refused("invalid timeZone: expected a valid IANA time zone");
  }
  if (offset !== undefined) return shifted(offset);
  if (utcOffset === undefined || utcOffset.trim() === "") return shifted(0);
  throw refused("invalid utcOffset: expected UTC-12:00 through UTC+14:00");
}

function shifted(aheadMs: number): Calendar {
  return {
    dateOf: (at) => new Date(at + aheadMs).toISOString().slice(0, 10),
    startOf: (date) => Date.parse(date) - aheadMs,
  };
}

function zoned(timeZone: string): Calendar {
  // The one locale that writes dates as ISO does.
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  return {
    dateOf: (at) => format.format(at),
    startOf: (date) => zonedMs(Date.parse(date), timeZone),
  };
}

function isZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone }).resolvedOptions().timeZone !== "";
  } catch {
    // It says so by throwing.
    return false;
  }
}

const OFFSET = /^UTC(?<sign>[+-])(?<hours>\d{1,2})(?::(?<minutes>[0-5]\d))?$/;
const OFFSET_MINUTES = { min: -12 * 60, max: 14 * 60 } as const;

/** Milliseconds ahead of UTC. */
function offsetOf(text: string): number | undefined {
  const { sign, hours, minutes = "0" } = OFFSET.exec(text.trim())?.groups ?? {};
  if (hours === undefined) return undefined;
  const ahead = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  return ahead < OFFSET_MINUTES.min || ahead > OFFSET_MINUTES.max ? undefined : ahead * 60_000;
}

/** Dates as numbers, to count with. */
function numberOf(date: string): number {
  return Math.floor(Date.parse(date) / DAY_MS);
}

function dateOf(number: number): string {
  return new Date(number * DAY_MS).toISOString().slice(0, 10);
}

function refused(message: string): GatewayError {
  return new GatewayError("invalid_request", message);
}
