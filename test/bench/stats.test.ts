import { expect, test } from "vitest";
import { interleave, median, pairedDifference, pairedRatio, quantile } from "./stats.ts";

test.each([
  ["one", [7], 7],
  ["odd", [9, 1, 5], 5],
  ["even", [4, 1, 3, 2], 2.5],
])("the median of %s", (_name, values, expected) => {
  expect(median(values)).toBe(expected);
});

test("no values have neither median nor quantile", () => {
  expect(() => median([])).toThrow(RangeError);
  expect(() => quantile([], 0.5)).toThrow(RangeError);
});

test("quantiles are values that occurred", () => {
  const values = Array.from({ length: 100 }, (_, index) => 99 - index);
  expect([0, 0.5, 0.99, 1].map((fraction) => quantile(values, fraction))).toEqual([0, 50, 99, 99]);
});

test("a machine that slows down changes no ratio of pairs", () => {
  const slowness = [1, 5, 2, 9];
  const a = slowness.map((factor) => 3 * factor);
  expect(pairedRatio(a, slowness)).toBe(3);
  expect(pairedDifference([5, 6, 7], [1, 2, 4])).toBe(4);
  expect(() => pairedRatio([1], [1, 2])).toThrow(RangeError);
});

test("contestants take turns, and each is first in every other round", async () => {
  const order: string[] = [];
  const run = (name: string) => () => Promise.resolve(order.push(name));
  const samples = await interleave(3, { a: run("a"), b: run("b") });
  expect(order.join("")).toBe("abbaab");
  expect(samples).toEqual({ a: [1, 4, 5], b: [2, 3, 6] });
});
