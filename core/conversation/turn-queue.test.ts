import { expect, test } from "vitest";
import { TurnQueue } from "./turn-queue.ts";

const never = new AbortController().signal;

test("turns of one session come one at a time, in order; other sessions do not wait", async () => {
  const queue = new TurnQueue(8);
  const order: string[] = [];
  const releaseFirst = await queue.acquire("a", never);
  const others = ["second", "third"].map(async (name) => {
    const release = await queue.acquire("a", never);
    order.push(name);
    release();
  });
  (await queue.acquire("b", never))();
  expect(order).toEqual([]);
  releaseFirst();
  await Promise.all(others);
  expect(order).toEqual(["second", "third"]);
});

test("releasing twice lets one in, not two", async () => {
  const queue = new TurnQueue(8);
  const release = await queue.acquire("a", never);
  const second = queue.acquire("a", never);
  let isThirdIn = false;
  const third = queue.acquire("a", never).then((releaseThird) => {
    isThirdIn = true;
    return releaseThird;
  });
  release();
  release();
  const releaseSecond = await second;
  expect(isThirdIn).toBe(false);
  releaseSecond();
  (await third)();
});

test("who gives up leaves the queue to the others", async () => {
  const queue = new TurnQueue(8);
  const release = await queue.acquire("a", never);
  const patience = new AbortController();
  const impatient = queue.acquire("a", patience.signal);
  const patient = queue.acquire("a", never);
  patience.abort();
  await expect(impatient).rejects.toMatchObject({ code: "canceled" });
  release();
  (await patient)();
  await expect(queue.acquire("a", AbortSignal.abort())).rejects.toMatchObject({ code: "canceled" });
});

test("a full queue says when to come back, and is open again afterwards", async () => {
  const queue = new TurnQueue(1);
  const release = await queue.acquire("a", never);
  const waiting = queue.acquire("a", never);
  await expect(queue.acquire("a", never)).rejects.toMatchObject({
    code: "overloaded",
    retryAfterMs: 10_000,
  });
  release();
  (await waiting)();
  (await queue.acquire("a", never))();
});
