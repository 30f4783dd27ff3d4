import { expect, test } from "vitest";
import { metricsText } from "./metrics-text.ts";

const COUNT = {
  provider: "acme",
  model: 'x"y',
  answered: 2,
  failed: 1,
  costUsd: 0.5,
  input: 10,
  output: 4,
  cacheRead: 3,
  cacheWrite: 0,
  reasoning: 1,
};

test("tokens, requests and cost are counted by model", async () => {
  const text = await metricsText(undefined, new Map(), undefined, [COUNT]);
  const of = 'provider="acme",model="x\\"y"';
  expect(text.split("\n").filter((line) => line.startsWith("gwt_"))).toEqual([
    `gwt_model_calls_total{${of},outcome="answered"} 2`,
    `gwt_model_calls_total{${of},outcome="failed"} 1`,
    `gwt_model_tokens_total{${of},token_type="input"} 10`,
    `gwt_model_tokens_total{${of},token_type="output"} 4`,
    `gwt_model_tokens_total{${of},token_type="cache_read"} 3`,
    `gwt_model_tokens_total{${of},token_type="cache_write"} 0`,
    `gwt_model_tokens_total{${of},token_type="reasoning"} 1`,
    `gwt_model_cost_usd_total{${of}} 0.5`,
  ]);
});
