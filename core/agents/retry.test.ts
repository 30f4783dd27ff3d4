import { expect, test } from "vitest";
import type { ModelFailure } from "../models/model.ts";
import { afterFailure, MAX_ATTEMPTS, MAX_WAIT_MS } from "./retry.ts";

function failure(code: ModelFailure["code"], retryAfterMs?: number): ModelFailure {
  return { type: "failed", code, message: "", retryAfterMs };
}

const first = { attempt: 0, said: false, hasNext: true };
const half = () => 0.5;

test.each(["rate_limited", "model_overloaded", "model_failed"] as const)(
  "%s is tried again, later each time",
  (code) => {
    const steps = [0, 1].map((attempt) => afterFailure(failure(code), { ...first, attempt }, half));
    expect(steps).toEqual([
      { action: "retry", delayMs: 250 },
      { action: "retry", delayMs: 500 },
    ]);
  },
);

test.each(["model_unauthorized", "model_not_found", "invalid_request", "model_timeout"] as const)(
  "%s is never tried again with the same model",
  (code) => {
    expect(afterFailure(failure(code), first, half)).toEqual({ action: "next_model" });
    expect(afterFailure(failure(code), { ...first, hasNext: false }, half)).toEqual({
      action: "give_up",
    });
  },
);

test.each([
  ["the caller left", failure("canceled"), first],
  ["something was said", failure("model_overloaded"), { ...first, said: true }],
])("nothing at all is tried again once %s", (_name, failed, at) => {
  expect(afterFailure(failed, at, half)).toEqual({ action: "give_up" });
});

test("tries are counted, the first included", () => {
  const last = { ...first, attempt: MAX_ATTEMPTS - 1 };
  expect(afterFailure(failure("model_failed"), last, half)).toEqual({ action: "next_model" });
  expect(afterFailure(failure("model_failed"), { ...last, hasNext: false }, half)).toEqual({
    action: "give_up",
  });
});

test("the provider's wish is kept in full, with the jitter on top", () => {
  const step = afterFailure(failure("rate_limited", 3_000), first, half);
  expect(step).toEqual({ action: "retry", delayMs: 3_250 });
});

test("a wish beyond what a person waits for is not waited for", () => {
  const wish = failure("rate_limited", MAX_WAIT_MS + 1);
  expect(afterFailure(wish, first, half)).toEqual({ action: "next_model" });
  expect(afterFailure(wish, { ...first, hasNext: false }, half)).toEqual({ action: "give_up" });
});
