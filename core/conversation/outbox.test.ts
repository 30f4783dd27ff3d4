import { expect, test } from "vitest";
import { GatewayError } from "../../shared/errors.ts";
import { fateOf } from "./outbox.ts";

test.each([
  [
    "a rate limit",
    new GatewayError("rate_limited", "slow", { retryAfterMs: 7_000 }),
    { fate: "unsent", afterMs: 7_000, reason: "slow" },
  ],
  [
    "a platform out of reach",
    new GatewayError("overloaded", "gone"),
    { fate: "unsent", afterMs: 5_000, reason: "gone" },
  ],
  [
    "a conversation that is gone",
    new GatewayError("not_found", "no chat"),
    { fate: "lost", reason: "no chat" },
  ],
  [
    "being thrown out",
    new GatewayError("forbidden", "blocked"),
    { fate: "lost", reason: "blocked" },
  ],
  ["a lost answer", new Error("502"), { fate: "lost", reason: "unknown whether it arrived: 502" }],
  [
    "something that is no error",
    17,
    { fate: "lost", reason: "unknown whether it arrived: no reason given" },
  ],
  [
    "an endless reason",
    new GatewayError("forbidden", "x".repeat(999)),
    { fate: "lost", reason: "x".repeat(300) },
  ],
])("%s decides what becomes of a piece", (_name, error, fate) => {
  expect(fateOf(error, () => 0)).toEqual(fate);
});
