import { expect, test } from "vitest";
import { pauseBetween } from "./wake-watch.ts";

test.each([
  ["a second", 1_000, 1_000, 0],
  ["a busy moment", 3_900, 3_900, 0],
  ["a sleep in which the steady clock stood still", 28_800_000, 1_000, 28_799_000],
  ["a sleep in which it went on", 60_000, 60_000, 59_000],
  ["a clock that is set back", -3_600_000, 1_000, 0],
  ["a clock that is set back, after a sleep", -3_600_000, 60_000, 59_000],
])("%s", (_name, wall, steady, pauseMs) => {
  const before = { wall: 1_700_000_000_000, steady: 500 };
  const after = { wall: before.wall + wall, steady: before.steady + steady };
  expect(pauseBetween(before, after)).toBe(pauseMs);
});
