import { expect, test } from "vitest";
import { UsageCost, usageLines } from "./usage-text.ts";

function lines(totals: object, daily: readonly object[] = [], days = 30): string[] {
  return usageLines(UsageCost.parse({ days, totals, daily }));
}

test("the sum, and the newest day, in dollars and tokens", () => {
  const day = { date: "2026-01-02", totalTokens: 999, totalCost: 0.004 };
  expect(lines({ totalTokens: 1_234_567, totalCost: 12.345 }, [day])).toEqual([
    "Usage cost (30 days)",
    "Total: $12.35 · 1.2m tokens",
    "Latest day: 2026-01-02 · $0.0040 · 999 tokens",
  ]);
});

test("what has no price is told by model, whatever it is called", () => {
  const missingCostByModel = { "a/b": 1, "c/\u001b[2J": 4 };
  const totals = { totalTokens: 12_300, totalCost: 0, missingCostEntries: 5, missingCostByModel };
  expect(lines(totals, [], 1)).toEqual([
    "Usage cost (1 day)",
    "Total: $0.00 · 12.3k tokens",
    "Missing cost: 5 (c/\uFFFD[2J 4, a/b 1)",
  ]);
});
