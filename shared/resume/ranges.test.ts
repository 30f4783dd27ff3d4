import { expect, test } from "vitest";
import { Random } from "../../test/support/random.ts";
import { Ranges } from "./ranges.ts";

test("neighbours become one range", () => {
  const ranges = new Ranges();
  for (const number of [5, 9, 7, 6, 20]) ranges.add(number, number);
  ranges.add(8, 8);
  ranges.add(30, 29);
  expect(ranges.list).toEqual([
    { from: 5, to: 9 },
    { from: 20, to: 20 },
  ]);
});

test("a floor rises over what follows it without a hole", () => {
  const ranges = new Ranges();
  ranges.add(3, 4);
  ranges.add(7, 9);
  expect(ranges.raise(1)).toBe(1);
  expect(ranges.raise(2)).toBe(4);
  expect(ranges.list).toEqual([{ from: 7, to: 9 }]);
});

test("they hold the same numbers as a set, in any order", () => {
  const random = new Random(3);
  const ranges = new Ranges();
  const set = new Set<number>();
  for (let count = 0; count < 300; count += 1) {
    const from = random.between(1, 400);
    const to = from + random.below(4);
    ranges.add(from, to);
    for (let number = from; number <= to; number += 1) set.add(number);
  }
  for (let number = 0; number < 410; number += 1) {
    expect({ number, has: ranges.has(number) }).toEqual({ number, has: set.has(number) });
  }
  for (const [index, { from }] of ranges.list.entries()) {
    expect(from).toBeGreaterThan((ranges.list[index - 1]?.to ?? -1) + 1);
  }
});
