import { expect, test } from "vitest";
import type { ErrorCode } from "../../shared/errors.ts";
import type { AgentFailed } from "../agents/event.ts";
import { afterFailure, MAX_TURN_ATTEMPTS, replyText } from "./reply.ts";

function failure(code: ErrorCode, more: Partial<AgentFailed> = {}): AgentFailed {
  const facts = { message: "Why", retryAfterMs: undefined, partialText: "", cause: undefined };
  return { type: "failed", code, ...facts, ...more };
}

test.each<[string, AgentFailed, number, number]>([
  ["an overloaded model", failure("model_overloaded"), 1, 5_000],
  ["the same, later", failure("model_overloaded"), 3, 20_000],
  ["a provider that says when", failure("rate_limited", { retryAfterMs: 77_000 }), 1, 77_000],
  ["a time-out", failure("model_timeout"), 1, 5_000],
  ["our own stop", failure("canceled"), MAX_TURN_ATTEMPTS, 0],
])("%s is tried again", (_name, failed, attempt, delayMs) => {
  expect(afterFailure(failed, attempt, () => 0)).toEqual({ do: "retry", delayMs });
});

test.each<[string, AgentFailed, number, string]>([
  [
    "too many tries",
    failure("model_overloaded"),
    MAX_TURN_ATTEMPTS,
    "⚠️ The model is overloaded. I tried 5 times. Please send your message again later.",
  ],
  [
    "a provider that wants an hour",
    failure("rate_limited", { retryAfterMs: 3_600_000 }),
    1,
    "⚠️ The model's provider limits how much we may ask. Please send your message again later.",
  ],
  [
    "a refused key",
    failure("model_unauthorized", { message: "Set a key." }),
    1,
    "⚠️ I could not answer this: Set a key.",
  ],
  [
    "a bug after half an answer",
    failure("internal", { partialText: "Half" }),
    1,
    "Half\n\n⚠️ The answer broke off here. I could not answer this: Why.",
  ],
])("%s is told", (_name, failed, attempt, text) => {
  expect(afterFailure(failed, attempt, () => 0)).toEqual({ do: "give_up", text });
});

test.each([
  ["an answer", " Hello \n", "end", "Hello"],
  [
    "an answer cut off",
    "Hel",
    "max_tokens",
    "Hel\n\n⚠️ The answer was cut off: it reached the model's length limit.",
  ],
  [
    "nothing but thoughts",
    "",
    "max_tokens",
    "⚠️ The answer grew too long before its first word. Please ask for less at once.",
  ],
  ["an explained refusal", "I would rather not.", "refusal", "I would rather not."],
  ["a silent refusal", "", "refusal", "⚠️ The model declined to answer this."],
  ["silence", " ", "end", "⚠️ The model gave an empty answer."],
] as const)("%s is what people see", (_name, text, stop, reply) => {
  expect(replyText({ text, stop })).toBe(reply);
});
