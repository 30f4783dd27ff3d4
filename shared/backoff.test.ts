import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

const LATEST = (): number => 1 - Number.EPSILON;

test("the ceiling doubles with every try until it is reached", () => {
  const ceilings = [0, 1, 2, 3, 4, 5, 6, 7, 50, 2_000].map((attempt) =>
    Math.ceil(backoffMs(attempt, LATEST)),
  );
  expect(ceilings).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000,
  ]);
});

test("the wait is drawn from the whole range below the ceiling", () => {
  expect(backoffMs(3, () => 0)).toBe(0);
  expect(backoffMs(3, () => 0.5)).toBe(2_000);
  expect(backoffMs(1, () => 0.25, { baseMs: 10, maxMs: 15 })).toBe(3.75);
});

test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])("try number %s is a bug", (attempt) => {
  expect(() => backoffMs(attempt, LATEST)).toThrow(RangeError);
});
