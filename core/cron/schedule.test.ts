import { expect, test } from "vitest";
import type { CronSchedule } from "../store/cron-job.ts";
import { dueTimes, firstDue, momentOf, spanMs } from "./schedule.ts";

const SEED = "3725dc12-8427-4348-b491-e2b375894ed9";

function cron(expr: string, tz = "UTC", staggerMs = 0): CronSchedule {
  return { kind: "cron", expr, tz, staggerMs };
}

/** The next `count` due times after `from`. */
function following(schedule: CronSchedule, from: string, count: number): string[] {
  const due = dueTimes(schedule, SEED, "UTC");
  if (!due.ok) throw new Error(due.error.message);
  const found: string[] = [];
  let at: number | undefined = Date.parse(from);
  while (found.length < count) {
    at = due.value.next(at);
    if (at === undefined) break;
    found.push(new Date(at).toISOString());
  }
  return found;
}

test.each([
  {
    name: "the hour that Berlin leaves out: right after it",
    schedule: cron("30 2 * * *", "Europe/Berlin"),
    from: "2026-03-28T12:00:00Z",
    due: ["2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"],
  },
  {
    name: "the hour that Berlin has twice: once",
    schedule: cron("30 2 * * *", "Europe/Berlin"),
    from: "2026-10-24T12:00:00Z",
    due: ["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"],
  },
  {
    name: "every half hour through an hour that comes twice: each of them",
    schedule: cron("*/30 * * * *", "Europe/Berlin"),
    from: "2026-10-25T00:00:00Z",
    due: [
      "2026-10-25T00:30:00.000Z",
      "2026-10-25T01:00:00.000Z",
      "2026-10-25T01:30:00.000Z",
      "2026-10-25T02:00:00.000Z",
    ],
  },
  {
    name: "the hour that New York leaves out",
    schedule: cron("30 2 * * *", "America/New_York"),
    from: "2026-03-07T12:00:00Z",
    due: ["2026-03-08T07:00:00.000Z", "2026-03-09T06:30:00.000Z"],
  },
  {
    name: "the hour that New York has twice",
    schedule: cron("30 1 * * *", "America/New_York"),
    from: "2026-10-31T12:00:00Z",
    due: ["2026-11-01T05:30:00.000Z", "2026-11-02T06:30:00.000Z"],
  },
  {
    name: "a leap day",
    schedule: cron("0 12 29 2 *"),
    from: "2026-01-01T00:00:00Z",
    due: ["2028-02-29T12:00:00.000Z", "2032-02-29T12:00:00.000Z"],
  },
  {
    name: "the 31st, where there is one",
    schedule: cron("0 0 31 * *"),
    from: "2026-01-31T00:00:00Z",
    due: ["2026-03-31T00:00:00.000Z", "2026-05-31T00:00:00.000Z"],
  },
  {
    name: "the last day of the month",
    schedule: cron("0 0 L * *"),
    from: "2026-01-31T00:00:00Z",
    due: ["2026-02-28T00:00:00.000Z", "2026-03-31T00:00:00.000Z"],
  },
  {
    name: "six fields: seconds",
    schedule: cron("*/20 * * * * *"),
    from: "2026-01-01T00:00:19.999Z",
    due: ["2026-01-01T00:00:20.000Z", "2026-01-01T00:00:40.000Z"],
  },
  {
    name: "day and weekday: either",
    schedule: cron("0 9 15 * 1"),
    from: "2026-06-10T00:00:00Z",
    due: ["2026-06-15T09:00:00.000Z", "2026-06-22T09:00:00.000Z"],
  },
])("a cron schedule is due: $name", ({ schedule, from, due }) => {
  expect(following(schedule, from, due.length)).toEqual(due);
});

test("an interval does not drift, and its anchor is no due time", () => {
  const due = dueTimes({ kind: "every", everyMs: 700, anchorMs: 10_000 }, SEED, "UTC");
  if (!due.ok) throw new Error(due.error.message);
  const { next, latest } = due.value;
  expect([next(0), next(10_000), next(10_699), next(10_700), next(10_701)]).toEqual([
    10_700, 10_700, 10_700, 11_400, 11_400,
  ]);
  expect([latest(9_000), latest(10_699), latest(10_700), latest(11_399)]).toEqual([
    undefined,
    undefined,
    10_700,
    10_700,
  ]);
});

test.each(["*/5 * * * *", "0 3 * * 1", "30 2 * * *", "15 */7 1,15 * *", "7 * * * * *"])(
  "the latest due time is the one that comes next before it: %s",
  (expr) => {
    const due = dueTimes(cron(expr, "Europe/Berlin", 90_000), SEED, "UTC");
    if (!due.ok) throw new Error(due.error.message);
    let at = Date.parse("2026-03-27T22:00:00Z");
    for (let count = 0; count < 200; count += 1) {
      const next = due.value.next(at);
      if (next === undefined) break;
      expect(due.value.latest(next)).toBe(next);
      expect(due.value.latest(next + 1)).toBe(next);
      expect(due.value.next(next - 1)).toBe(next);
      at = next;
    }
  },
);

test("jobs that are due on the hour are spread, each always the same, unless they are exact", () => {
  const at = Date.parse("2026-01-01T00:30:00Z");
  const offsets = Array.from({ length: 50 }, (_none, number) => {
    const due = dueTimes({ kind: "cron", expr: "0 * * * *", tz: "UTC" }, `job ${number}`, "UTC");
    return due.ok ? ((due.value.next(at) ?? 0) - Date.parse("2026-01-01T01:00:00Z")) / 1_000 : -1;
  });
  expect(Math.min(...offsets)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...offsets)).toBeLessThan(300);
  expect(new Set(offsets).size).toBeGreaterThan(30);
  expect(following(cron("0 * * * *"), "2026-01-01T00:30:00Z", 1)).toEqual([
    "2026-01-01T01:00:00.000Z",
  ]);
});

test.each([
  { schedule: { kind: "at", at: "tomorrow" }, reason: "bad_time" },
  { schedule: { kind: "at", at: "2026-12-24T18:00:00" }, reason: "bad_time" },
  { schedule: { kind: "at", at: "2020-12-24T18:00:00Z" }, reason: "never" },
  { schedule: { kind: "every", everyMs: 5 }, reason: "too_often" },
  { schedule: cron("* * * *"), reason: "bad_expression" },
  { schedule: cron("61 * * * *"), reason: "bad_expression" },
  { schedule: cron("* * * * * * *"), reason: "bad_expression" },
  { schedule: cron("drop table"), reason: "bad_expression" },
  { schedule: cron(""), reason: "bad_expression" },
  { schedule: cron("0 0 30 2 *"), reason: "never" },
  { schedule: cron("0 0 * * *", "Mars/Olympus"), reason: "bad_zone" },
] satisfies { schedule: CronSchedule; reason: string }[])(
  "a schedule that can never be due is refused: $reason $schedule",
  ({ schedule, reason }) => {
    const first = firstDue(schedule, SEED, { now: 1_790_000_000_000, hostZone: "UTC" });
    expect(first).toMatchObject({ ok: false, error: { reason } });
  },
);

test.each([
  { text: "2026-12-24T18:00:00Z", at: "2026-12-24T18:00:00.000Z" },
  { text: "2026-12-24T18:00:00+01:00", at: "2026-12-24T17:00:00.000Z" },
  { text: "1798135200", at: "2026-12-24T18:00:00.000Z" },
  { text: "1798135200000", at: "2026-12-24T18:00:00.000Z" },
  { text: "2026-12-24T18:00", zone: "Europe/Berlin", at: "2026-12-24T17:00:00.000Z" },
  { text: "2026-12-24", zone: "America/New_York", at: "2026-12-24T05:00:00.000Z" },
  { text: "2026-03-29T02:30", zone: "Europe/Berlin", at: "2026-03-29T01:30:00.000Z" },
  { text: "2026-10-25T02:30", zone: "Europe/Berlin", at: "2026-10-25T00:30:00.000Z" },
  { text: "2026-12-24T18:00", at: undefined },
  { text: "2026-13-40T18:00Z", at: undefined },
  { text: "2026-12-24T18:00", zone: "Nowhere", at: undefined },
])("a moment is read: $text $zone", ({ text, zone, at }) => {
  const found = momentOf(text, zone);
  expect(found === undefined ? undefined : new Date(found).toISOString()).toBe(at);
});

test.each([
  ["90s", 90_000],
  ["20m", 1_200_000],
  ["20", 1_200_000],
  ["1h30m", 5_400_000],
  ["2 h", 7_200_000],
  ["250ms", 250],
  ["1w", 604_800_000],
  ["", undefined],
  ["soon", undefined],
  ["-5m", undefined],
  ["5 parsecs", undefined],
] as const)("a span is read: %s", (text, ms) => {
  expect(spanMs(text)).toBe(ms);
});
