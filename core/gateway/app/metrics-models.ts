/** What models were asked for, as metrics. */
import { Registry } from "prom-client";
import type { ModelCount } from "../../store/usage.ts";
import { counterIn } from "./metrics-registry.ts";

/** Kinds of tokens, as they are called in the label and in our counts; thought is part of output. */
const TOKENS = {
  input: "input",
  output: "output",
  cache_read: "cacheRead",
  cache_write: "cacheWrite",
  reasoning: "reasoning",
} as const;

/** Since the start of the gateway. */
export function modelMetrics(models: readonly ModelCount[]): Registry {
  const registry = new Registry();
  const counter = counterIn(registry);
  const named = models.map(({ provider, model }) => ({ provider, model }));
  counter(
    "gwt_model_calls_total",
    "Requests to models",
    models.flatMap(({ answered, failed }, index) => [
      [answered, { ...named[index], outcome: "answered" }] as const,
      [failed, { ...named[index], outcome: "failed" }] as const,
    ]),
  );
  counter(
    "gwt_model_tokens_total",
    "Tokens by kind; reasoning is part of output",
    models.flatMap((counts, index) =>
      Object.entries(TOKENS).map(
        ([token_type, name]) => [counts[name], { ...named[index], token_type }] as const,
      ),
    ),
  );
  counter(
    "gwt_model_cost_usd_total",
    "US dollars, of models with a price",
    models.map(({ costUsd }, index) => [costUsd, { ...named[index] }] as const),
  );
  return registry;
}
