import { expect, test } from "vitest";
import { costOf } from "./cost.ts";

const DAY_MS = 86_400_000;

function session(over: object = {}) {
  return {
    inputTokens: 1_000_000,
    outputTokens: 500_000,
    updatedAt: 0,
    model: "acme/x",
    ...over,
  };
}

test("tokens cost what the config says, by the day and in all", () => {
  const sessions = [session(), session({ updatedAt: DAY_MS }), session({ updatedAt: DAY_MS + 1 })];
  const { totals, daily } = costOf(sessions, () => ({ input: 3, output: 10 }));
  expect(totals).toMatchObject({ totalTokens: 4_500_000, totalCost: 24, missingCostEntries: 0 });
  expect(daily).toMatchObject([
    { date: "1970-01-01", totalCost: 8 },
    { date: "1970-01-02", totalCost: 16, inputCost: 6, outputCost: 10 },
  ]);
});

test.each([
  ["its model has no price", () => undefined, "acme/x"],
  ["its model has half a price", () => ({ input: 3 }), "acme/x"],
  ["its model is not known", () => ({ input: 3, output: 1 }), undefined],
])("a session is counted as one without a cost when %s", (_name, prices, model) => {
  const { totals } = costOf([session({ model })], prices);
  expect(totals).toMatchObject({ totalTokens: 1_500_000, missingCostEntries: 1 });
});

test("nothing used is nothing", () => {
  expect(costOf([], () => undefined)).toMatchObject({ daily: [], totals: { totalCost: 0 } });
});
