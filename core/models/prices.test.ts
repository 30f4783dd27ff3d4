import { expect, test } from "vitest";
import { costOfTokens, tokensOf, totalUsd } from "./prices.ts";

const TOKENS = { input: 1_000_000, output: 500_000, cacheRead: 2_000_000, cacheWrite: 100_000 };
const NONE = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

test.each([
  ["each kind has its price", { input: 3, output: 10, cacheRead: 0.3, cacheWrite: 4 }, 9],
  ["caching without a price costs what input costs", { input: 3, output: 10 }, 14.3],
  ["what is free costs nothing", { input: 0, output: 0 }, 0],
])("%s", (_name, prices, usd) => {
  const cost = costOfTokens(TOKENS, prices);
  expect(cost && totalUsd(cost)).toBeCloseTo(usd);
});

test.each([
  ["nothing is known", TOKENS, undefined],
  ["output has none", TOKENS, { input: 3 }],
  ["input has none", TOKENS, { output: 3 }],
  ["only caching has one", { ...NONE, cacheRead: 1 }, { cacheWrite: 3, output: 1 }],
])("there is no cost when %s", (_name, tokens, prices) => {
  expect(costOfTokens(tokens, prices)).toBeUndefined();
});

test("a model that writes nothing needs no price for it", () => {
  const cost = costOfTokens({ ...NONE, input: 1_000_000 }, { input: 0.02 });
  expect(cost).toEqual({ ...NONE, input: 0.02 });
});

test.each([
  ["nothing of a cache", {}, { input: 9, cacheRead: 0, cacheWrite: 0 }],
  ["parts", { cacheReadTokens: 4, cacheWriteTokens: 2 }, { input: 3, cacheRead: 4, cacheWrite: 2 }],
  ["more than the whole", { cacheReadTokens: 40 }, { input: 0, cacheRead: 40, cacheWrite: 0 }],
])("input is apart from the cache: %s", (_name, more, apart) => {
  expect(tokensOf({ inputTokens: 9, outputTokens: 1, ...more })).toEqual({ output: 1, ...apart });
});
