import { expect, test } from "vitest";
import { Duplicates } from "./duplicates.ts";

test("what was begun is known for a minute at least, and not for ever", () => {
  const duplicates = new Duplicates();
  duplicates.begin("a", 1_000);
  duplicates.begin("b", 59_000);
  expect(["a", "b", "c"].map((id) => duplicates.has(id))).toEqual([true, true, false]);
  duplicates.begin("c", 62_000);
  expect(duplicates.has("b")).toBe(true);
  duplicates.begin("d", 123_000);
  expect(["a", "b", "c", "d"].map((id) => duplicates.has(id))).toEqual([false, false, true, true]);
  duplicates.begin("e", 500_000);
  expect(["d", "e"].map((id) => duplicates.has(id))).toEqual([false, true]);
});

test("a flood pushes out the oldest and never grows beyond 4,096", () => {
  const duplicates = new Duplicates();
  for (let index = 0; index < 100_000; index += 1) duplicates.begin(`r${index}`, 1_000);
  const known = Array.from({ length: 100_000 }, (_v, index) => duplicates.has(`r${index}`));
  const count = known.filter(Boolean).length;
  expect(count).toBeGreaterThan(2_047);
  expect(count).toBeLessThanOrEqual(4_096);
  expect(known.at(-1)).toBe(true);
});
