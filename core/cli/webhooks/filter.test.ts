import { expect, test } from "vitest";
import { filterOf, limitOf } from "./filter.ts";

const NOW = Date.UTC(2026, 0, 31, 12);

test.each([
  ["90s", NOW - 90_000],
  ["15m", NOW - 900_000],
  ["1h", NOW - 3_600_000],
  ["2d", NOW - 172_800_000],
  ["0s", NOW],
  ["2026-01-31", Date.UTC(2026, 0, 31)],
  ["2026-01-31T10:30:00Z", Date.UTC(2026, 0, 31, 10, 30)],
  ["2026-01-31T10:30:00.250Z", Date.UTC(2026, 0, 31, 10, 30, 0, 250)],
  ["2026-01-31T12:30+02:00", Date.UTC(2026, 0, 31, 10, 30)],
])("--since %s is a moment", (since, at) => {
  expect(filterOf({ since }, NOW)).toEqual({ since: at });
});

test.each([
  ["since", "yesterday"],
  ["since", "1"],
  ["since", "1h30m"],
  ["since", "-1h"],
  ["since", "1769860800000"],
  ["until", "2026-13-01"],
  ["until", "2026-01-31 10:00"],
  ["until", "9999999h"],
  ["until", ""],
  ["state", "gone"],
  ["state", ""],
])("--%s %j is refused by name", (flag, value) => {
  expect(() => filterOf({ [flag]: value }, NOW)).toThrow(`--${flag} must be`);
});

test("flags that are not given do not filter", () => {
  expect(filterOf({}, NOW)).toEqual({});
  expect(filterOf({ route: "github", state: "dead" }, NOW)).toEqual({
    route: "github",
    state: "dead",
  });
});

test.each([
  [undefined, 50],
  ["1", 1],
  ["10000", 10_000],
])("--limit %s is %d", (limit, expected) => {
  expect(limitOf({ limit })).toBe(expected);
});

test.each(["0", "-1", "1.5", "many", "10001", ""])("--limit %j is refused", (limit) => {
  expect(() => limitOf({ limit })).toThrow("--limit");
});
