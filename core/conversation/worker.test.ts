import pino from "pino";
import { expect, test } from "vitest";
import { ManualClock } from "../../test/support/clock.ts";
import { startWorker } from "./worker.ts";
import type { Work } from "./worker.ts";

/** Work from a list; `finish` ends an item by its name. */
function world(more: Partial<Work<string>> = {}) {
  const clock = new ManualClock();
  const waiting: string[] = [];
  const begun: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const began = new Map<string, PromiseWithResolvers<void>>();
  const gateOf = (item: string, of = gates) => {
    const gate = of.get(item) ?? Promise.withResolvers<void>();
    of.set(item, gate);
    return gate;
  };
  const work: Work<string> = {
    name: "test",
    maxRunning: 2,
    take: (limit) => Promise.resolve(waiting.splice(0, limit)),
    nextDue: () => Promise.resolve(undefined),
    work(item, signal) {
      begun.push(item);
      gateOf(item, began).resolve();
      signal.addEventListener("abort", () => gateOf(item).resolve(), { once: true });
      return gateOf(item).promise;
    },
    ...more,
  };
  const parts = { clock, random: () => 0.5, log: pino({ level: "silent" }) };
  const worker = startWorker(work, parts);
  return {
    clock,
    worker,
    begun,
    add: (...items: string[]) => {
      waiting.push(...items);
      worker.poke();
    },
    began: (item: string) => gateOf(item, began).promise,
    finish: (item: string) => gateOf(item).resolve(),
    fail: (item: string) => gateOf(item).reject(new Error("a bug")),
  };
}

test("no more than the allowed number run at once, and the next begins when one ends", async () => {
  const { worker, add, began, begun, finish } = world();
  add("a", "b", "c");
  await began("b");
  expect(begun).toEqual(["a", "b"]);
  finish("a");
  await began("c");
  await worker.drain(0);
});

test("an item that throws does not stop the worker", async () => {
  const { worker, add, began, fail } = world();
  add("a");
  await began("a");
  fail("a");
  add("b");
  await began("b");
  await worker.drain(0);
});

test("a store that fails is asked again", async () => {
  let calls = 0;
  const { worker, clock, began } = world({
    take() {
      calls += 1;
      return calls === 1
        ? Promise.reject(new Error("busy"))
        : Promise.resolve(["a"].slice(calls - 2));
    },
  });
  await clock.waiting(500);
  clock.advance(500);
  await began("a");
  await worker.drain(0);
});

test("work that comes due is found without a poke, and a due time in the past does not spin", async () => {
  const due = [1_790_000_005_000, 0];
  const { worker, clock } = world({ nextDue: () => Promise.resolve(due.shift()) });
  await clock.waiting(5_000);
  clock.advance(5_000);
  await clock.waiting(10);
  clock.advance(10);
  await worker.drain(0);
});

test("draining waits for what runs, until the deadline cuts it off", async () => {
  const { worker, clock, add, began, begun } = world();
  add("a");
  await began("a");
  const drained = worker.drain(3_000);
  add("b");
  await clock.waiting(3_000);
  clock.advance(3_000);
  await drained;
  expect(begun).toEqual(["a"]);
});
