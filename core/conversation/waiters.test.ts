import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { fromUtf8, utf8 } from "../../shared/bytes.ts";
import type { WebhookAnswer } from "../store/webhook.ts";
import { Waiters } from "./waiters.ts";

const format = (text: string): WebhookAnswer => ({
  status: 200,
  contentType: "text/plain",
  body: utf8(text),
});

/** Time that passes when a test says so. */
function clock() {
  const waits: (() => void)[] = [];
  return {
    wait: (_ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        waits.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
    /** The wait begun first ends. */
    pass: () => waits.shift()?.(),
  };
}

function textOf(answer: WebhookAnswer | undefined): string | undefined {
  return answer && fromUtf8(answer.body);
}

test("who waits is answered, once, by whoever has claimed it", async () => {
  const waiters = new Waiters(clock().wait);
  const answer = waiters.answerTo("a", 1_000, format);
  const claim = waiters.claim("a");
  expect(waiters.claim("a")).toBeUndefined();
  claim?.settle(claim.answerOf("hello"));
  expect(textOf(await answer)).toBe("hello");
});

test("who has waited long enough cannot be claimed any more", async () => {
  const time = clock();
  const waiters = new Waiters(time.wait);
  const answer = waiters.answerTo("a", 1_000, format);
  time.pass();
  expect(await answer).toBeUndefined();
  expect(waiters.claim("a")).toBeUndefined();
});

test("an answer that was promised in time is waited for a little longer", async () => {
  const time = clock();
  const waiters = new Waiters(time.wait);
  const answer = waiters.answerTo("a", 1_000, format);
  const claim = waiters.claim("a");
  time.pass();
  await setImmediate();
  claim?.settle(format("just so"));
  expect(textOf(await answer)).toBe("just so");
});

test("an answer that was promised and does not come is not waited for for ever", async () => {
  const time = clock();
  const waiters = new Waiters(time.wait);
  const answer = waiters.answerTo("a", 1_000, format);
  waiters.claim("a");
  time.pass();
  // The first wait is over and the second has begun.
  await setImmediate();
  time.pass();
  expect(await answer).toBeUndefined();
});

test("of two who wait for the same the last is answered", async () => {
  const waiters = new Waiters(clock().wait);
  const first = waiters.answerTo("a", 1_000, format);
  const second = waiters.answerTo("a", 1_000, format);
  expect(await first).toBeUndefined();
  waiters.claim("a")?.settle(format("hello"));
  expect(textOf(await second)).toBe("hello");
});

test("nobody is claimed who was given up", async () => {
  const waiters = new Waiters(clock().wait);
  const answer = waiters.answerTo("a", 1_000, format);
  waiters.giveUp("a");
  waiters.giveUp("b");
  expect(await answer).toBeUndefined();
  expect(waiters.claim("a")).toBeUndefined();
});

test("at the end nobody is left waiting, and nobody begins to", async () => {
  const waiters = new Waiters(clock().wait);
  const answer = waiters.answerTo("a", 1_000, format);
  waiters.end();
  expect([await answer, await waiters.answerTo("b", 1_000, format)]).toEqual([
    undefined,
    undefined,
  ]);
  expect(waiters.claim("a")).toBeUndefined();
});
