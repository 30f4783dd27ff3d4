import { expect, test } from "vitest";
import { Attempts, isWorthRetrying } from "./attempts.ts";

test("it waits longer each time, up to three seconds, and begins anew after a success", () => {
  const attempts = new Attempts(60_000, () => 1);
  const waits = Array.from({ length: 7 }, () => attempts.next(1_000));
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_000, 3_000]);
  expect(attempts.succeeded(4_500)).toBe(3_500);
  expect(attempts.next(5_000)).toBe(100);
});

test("it gives up when the time is over, counted from the loss", () => {
  const attempts = new Attempts(1_000, () => 0);
  expect(attempts.next(5_000)).toBe(0);
  expect(attempts.next(5_999)).toBe(0);
  expect(attempts.next(6_000)).toBeUndefined();
});

test.each([
  { code: 1001, retries: true },
  { code: 1005, retries: true },
  { code: 1006, retries: true },
  { code: 1011, retries: true },
  { code: 1012, retries: true },
  { code: 1013, retries: true },
  { code: 1002, retries: false },
  { code: 1008, retries: false },
  { code: 1009, retries: false },
  { code: 4001, retries: false },
  { code: 4403, retries: false },
])("a connection that ended with $code is tried again: $retries", ({ code, retries }) => {
  expect(isWorthRetrying(code)).toBe(retries);
});
