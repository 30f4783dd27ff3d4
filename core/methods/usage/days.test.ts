import { expect, test } from "vitest";
import { dayAt, daysOf } from "./days.ts";

const at = (text: string): number => Date.parse(text);
const NOW = at("2026-03-30T22:30:00Z");
const LONG_AGO = at("2020-01-01T00:00:00Z");
const VIENNA = { mode: "specific", timeZone: "Europe/Vienna" } as const;

test.each([
  ["thirty days of UTC when nothing is said", {}, "2026-03-01", "2026-03-30", 30],
  ["so many days", { days: 7 }, "2026-03-24", "2026-03-30", 7],
  ["a range by its name", { range: "90d" }, "2025-12-31", "2026-03-30", 90],
  ["all there is", { range: "all" }, "2020-01-01", "2026-03-30", 2_281],
  [
    "days by name",
    { startDate: "2026-02-27", endDate: "2026-03-01" },
    "2026-02-27",
    "2026-03-01",
    3,
  ],
  ["one day", { startDate: "2026-03-01", endDate: "2026-03-01" }, "2026-03-01", "2026-03-01", 1],
  ["today where it is tomorrow already", { ...VIENNA, days: 1 }, "2026-03-31", "2026-03-31", 1],
  [
    "today by an offset",
    { mode: "specific", utcOffset: "UTC+5:30", days: 1 },
    "2026-03-31",
    "2026-03-31",
    1,
  ],
  [
    "an offset that counts for nothing",
    { utcOffset: "UTC+5", days: 1 },
    "2026-03-30",
    "2026-03-30",
    1,
  ],
] as const)("%s", (_name, params, startDate, endDate, count) => {
  const asked = daysOf(params, NOW, LONG_AGO);
  expect(asked).toMatchObject({ startDate, endDate, count });
  expect(asked.days).toHaveLength(count);
});

test("days of a zone are as long as they are there", () => {
  const { days } = daysOf({ ...VIENNA, startDate: "2026-03-28", endDate: "2026-03-30" }, NOW, 0);
  expect(days).toEqual([
    { date: "2026-03-28", from: at("2026-03-27T23:00Z"), until: at("2026-03-28T23:00Z") },
    // 23 hours: clocks are put forward.
    { date: "2026-03-29", from: at("2026-03-28T23:00Z"), until: at("2026-03-29T22:00Z") },
    { date: "2026-03-30", from: at("2026-03-29T22:00Z"), until: at("2026-03-30T22:00Z") },
  ]);
});

test.each([
  ["west", "UTC-12:00", "2026-03-30T12:00Z"],
  ["east", "UTC+14", "2026-03-29T10:00Z"],
])("the last offset in the %s is one", (_name, utcOffset, from) => {
  const day = { startDate: "2026-03-30", endDate: "2026-03-30" };
  const { days } = daysOf({ mode: "specific", utcOffset, ...day }, NOW, 0);
  expect(days[0]?.from).toBe(at(from));
});

test.each([
  ["there is nothing", undefined, 1],
  ["there is something of last week", at("2026-03-24T05:00Z"), 7],
])("no day is looked at before %s", (_name, oldest, count) => {
  const { days, startDate } = daysOf({ days: 36_600 }, NOW, oldest);
  expect(days).toHaveLength(count);
  expect(startDate < "1930").toBe(true);
});

test.each([
  ["far away", { startDate: "2026-03-30", endDate: "9999-12-31" }, 1],
  ["to come", { startDate: "2027-01-01", endDate: "2027-12-31" }, 0],
])("days %s are not counted through", (_name, params, length) => {
  expect(daysOf(params, NOW, LONG_AGO).days).toHaveLength(length);
});

test.each([
  ["ends before it begins", { startDate: "2026-03-02", endDate: "2026-03-01" }],
  ["names a zone there is not", { mode: "specific", timeZone: "Mars/Olympus" }],
  ["is further ahead than any clock", { mode: "specific", utcOffset: "UTC+14:30" }],
  ["is no offset", { mode: "specific", utcOffset: "five" }],
] as const)("a span that %s is refused", (_name, params) => {
  expect(() => daysOf(params, NOW, LONG_AGO)).toThrow(
    expect.objectContaining({ code: "invalid_request" }),
  );
});

test("a moment is on the day whose hours it is in", () => {
  const { days } = daysOf({ ...VIENNA, days: 3 }, NOW, LONG_AGO);
  const dates = [
    "2026-03-28T22:59Z",
    "2026-03-28T23:00Z",
    "2026-03-30T21:59Z",
    "2026-04-01T00:00Z",
  ];
  expect(dates.map((text) => dayAt(days, at(text))?.date)).toEqual([
    undefined,
    "2026-03-29",
    "2026-03-30",
    undefined,
  ]);
});
