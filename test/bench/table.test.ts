import { expect, test } from "vitest";
import { atLeast, atMost, markdown, plainTable, type Row, short, verdict } from "./table.ts";

test.each([
  ["below a ceiling", atMost(1, 2, "2 ms"), "ok"],
  ["at a ceiling", atMost(2, 2, "2 ms"), "ok"],
  ["above a ceiling", atMost(3, 2, "2 ms"), "MISSED × 1.50"],
  ["above a floor", atLeast(3, 2, "2 /s"), "ok"],
  ["below a floor", atLeast(1, 2, "2 /s"), "MISSED × 2.00"],
  ["something where nothing may be", atMost(1, 0, "0"), "MISSED"],
  ["nothing where something must be", atLeast(0, 2, "2 /s"), "MISSED"],
])("%s", (_name, budget, expected) => {
  expect(verdict(budget)).toBe(expected);
});

test.each([
  [0, "0.00"],
  [0.12345, "0.123"],
  [0.00041, "0.000"],
  [1.5, "1.50"],
  [12.34, "12.3"],
  [123.4, "123"],
  [5432.1, "5432"],
  [-0.5, "-0.500"],
])("%d is written %s", (value, expected) => {
  expect(short(value)).toBe(expected);
});

const rows: readonly Row[] = [
  {
    what: "a thing",
    measured: { value: 3, unit: "ms" },
    peer: { value: 2, unit: "ms", name: "bare" },
    ratio: 1.5,
    budget: atMost(3, 2, "2 ms"),
  },
  { what: "another", skipped: "nothing to measure it with" },
];

test("a terminal gets columns", () => {
  expect(plainTable(rows).split("\n")).toEqual([
    "what     measured  peer            ratio  budget  ok?",
    "a thing  3.00 ms   2.00 ms (bare)  1.50   ≤ 2 ms  MISSED × 1.50",
    "another  skipped                                  nothing to measure it with",
  ]);
});

test("the kept file says where and when, and has every row and note", () => {
  const text = markdown({
    date: "2026-08-01",
    machine: "2 cores",
    mode: "quick",
    rows,
    notes: ["so and so"],
  });
  expect(text).toContain("2026-08-01, quick. 2 cores.");
  expect(text).toContain("| a thing | 3.00 ms | 2.00 ms (bare) | 1.50 | ≤ 2 ms | MISSED × 1.50 |");
  expect(text).toContain("| another | skipped |  |  |  | nothing to measure it with |");
  expect(text).toContain("- so and so");
});
