import { expect, test } from "vitest";
import { Progress } from "./progress.ts";

test("what was settled and postponed is known after it was written down", () => {
  const before = new Progress();
  for (const ordinal of [0, 7, 8, 1_000]) before.settle(ordinal);
  before.postpone(3, { attempts: 2, nextAt: 5_000 });
  const after = new Progress(before.kept);
  expect(after.settled).toBe(4);
  expect([0, 7, 8, 1_000].every((ordinal) => after.isSettled(ordinal))).toBe(true);
  expect([1, 9, 999, 1_001, 1_000_000].some((ordinal) => after.isSettled(ordinal))).toBe(false);
  expect(after.postponedAt(3)).toEqual({ attempts: 2, nextAt: 5_000 });
  expect(after.postponedAt(4)).toBeUndefined();
});

test("one that is settled twice counts once, and is not postponed any more", () => {
  const progress = new Progress();
  progress.postpone(5, { attempts: 1, nextAt: 1 });
  progress.settle(5);
  progress.settle(5);
  expect([progress.settled, progress.postponedAt(5)]).toEqual([1, undefined]);
});

test("a quarter of a million of one hour, all of them put off, still fit into a row", () => {
  const progress = new Progress();
  for (let ordinal = 0; ordinal < 250_000; ordinal += 2) {
    progress.settle(ordinal);
    progress.postpone(ordinal + 1, { attempts: 1_000, nextAt: 1_763_800_000_000 });
  }
  const { settled, postponed } = progress.kept;
  expect(settled.byteLength + postponed.length).toBeLessThan(200_000);
  expect(new Progress(progress.kept).settled).toBe(125_000);
});

test.each([
  ["no JSON", "["],
  ["no list", '{"a":1}'],
  ["a row too short", "[[1,2]]"],
  ["text for a number", '[["1",2,3]]'],
])("counts of attempts that are %s cost only those", (_name, postponed) => {
  const progress = new Progress({ settled: new Uint8Array([0b101]), postponed });
  expect([progress.settled, progress.isSettled(2), progress.postponedAt(1)]).toEqual([
    2,
    true,
    undefined,
  ]);
});

test("only what has changed needs to be written", () => {
  const progress = new Progress(new Progress().kept);
  expect(progress.dirty).toBe(false);
  progress.settle(1);
  expect(progress.dirty).toBe(true);
});
