import { expect, test } from "vitest";
import { GatewayError } from "../../shared/errors.ts";
import { ManualClock } from "../../test/support/clock.ts";
import { tooManyRequests } from "../../test/support/fake-telegram.ts";
import { startTelegramEngine } from "../../test/support/telegram-engine.ts";
import { privateText } from "../../test/support/telegram-updates.ts";
import { fateOf, MAX_ATTEMPTS } from "./outbox.ts";

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
  expect(fateOf(error, 1, () => 0)).toEqual(fate);
});

test.each([
  [1, 5_000],
  [2, 10_000],
  [3, 20_000],
  [6, 150_000],
  [MAX_ATTEMPTS - 1, 150_000],
])("after try %i at a platform out of reach the next one waits", (attempt, afterMs) => {
  const error = new GatewayError("overloaded", "gone");
  expect(fateOf(error, attempt, () => 0)).toEqual({ fate: "unsent", afterMs, reason: "gone" });
});

test.each([
  new GatewayError("overloaded", "gone"),
  new GatewayError("rate_limited", "gone", { retryAfterMs: 7_000 }),
])("a piece is given up after its last try, and says so ($code)", (error) => {
  expect(fateOf(error, MAX_ATTEMPTS, () => 0)).toEqual({
    fate: "lost",
    reason: "given up after 150 tries: gone",
  });
});

test("a chat that never takes a reply loses it at last, and gets the next one", async () => {
  const clock = new ManualClock();
  await using bot = await startTelegramEngine({ clock });
  const refusals = Array.from({ length: MAX_ATTEMPTS }, () => tooManyRequests(1));
  bot.fake.fail("sendMessage", ...refusals);
  bot.fake.push(privateText(1, "one"), privateText(2, "two"));
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt += 1) {
    await clock.waiting(1_000);
    clock.advance(1_000);
  }
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(42)).toEqual(["echo: two"]);
  expect(bot.logged()).toContain("given up after 150 tries");
});
