/** Which failures of a model are worth another try, and when. Pure. */
import { backoffMs } from "../../shared/backoff.ts";
import type { ModelFailure } from "../models/model.ts";

/** Tries one model gets for one request, the first included. */
export const MAX_ATTEMPTS = 3;

/** Longest wait between two tries: a person is watching, and the next model is there at once. */
export const MAX_WAIT_MS = 20_000;

/** Spread of the wait: below a second first, so that a hiccup costs little. */
const BACKOFF = { baseMs: 500, maxMs: 8_000 };

export interface Attempt {
  /** 0 for the first try of this model. */
  readonly attempt: number;
  /** True once a word of this answer has gone out: it cannot be taken back, so nothing is tried again. */
  readonly said: boolean;
  /** True when the chain has another model. */
  readonly hasNext: boolean;
}

export type Step =
  | { readonly action: "retry"; readonly delayMs: number }
  | { readonly action: "next_model" }
  | { readonly action: "give_up" };

/** What another try of the same request with the same model may bring. */
const PROSPECTS = {
  rate_limited: "later",
  model_overloaded: "later",
  model_failed: "later",
  // It has already cost minutes; the person will not sit through two more.
  model_timeout: "never",
  model_unauthorized: "never",
  model_not_found: "never",
  invalid_request: "never",
  canceled: "over",
} as const satisfies Record<ModelFailure["code"], "later" | "never" | "over">;

/**
 * What to do after `failure`.
 *
 * A provider's own wish (`retryAfterMs`) is kept in full, with the jitter on top, or the model is
 * given up: coming back too early is what it asked us not to do.
 *
 * @param random - Uniform in [0, 1).
 */
export function afterFailure(failure: ModelFailure, at: Attempt, random: () => number): Step {
  const prospect = PROSPECTS[failure.code];
  if (prospect === "over" || at.said) return { action: "give_up" };
  const otherwise: Step = { action: at.hasNext ? "next_model" : "give_up" };
  if (prospect === "never" || at.attempt + 1 >= MAX_ATTEMPTS) return otherwise;
  const wishedMs = failure.retryAfterMs ?? 0;
  if (wishedMs > MAX_WAIT_MS) return otherwise;
  return { action: "retry", delayMs: wishedMs + backoffMs(at.attempt, random, BACKOFF) };
}
