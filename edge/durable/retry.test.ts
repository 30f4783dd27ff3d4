import { expect, test } from "vitest";
import { retryMs } from "./retry.ts";

test.each([
  [0, 1_000],
  [1, 5_000],
  [2, 30_000],
  [3, 120_000],
  [4, 600_000],
  [5, 3_600_000],
  [500, 3_600_000],
])("after %i tries a webhook waits up to %i ms, and at least half of that", (attempts, most) => {
  expect(retryMs(attempts, 0, () => 0)).toBe(most / 2);
  expect(retryMs(attempts, 0, () => 1)).toBe(most);
});

test("a core may ask for more time, but not for ever", () => {
  expect(retryMs(0, 60_000, () => 0)).toBe(60_000);
  expect(retryMs(0, Number.POSITIVE_INFINITY, () => 0)).toBe(6 * 3_600_000);
  expect(retryMs(0, -5, () => 0)).toBe(500);
});
