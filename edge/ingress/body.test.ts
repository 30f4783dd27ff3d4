import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { utf8 } from "../../shared/bytes.ts";
import { bytesMatch } from "../../shared/constant-time.ts";
import {
  BODY_BYTES_PER_SECOND,
  BODY_PATIENCE_MS,
  BodyBudget,
  type BodyRules,
  holdBody,
} from "./body.ts";

const MIB = 1024 * 1024;

let budget: BodyBudget;
beforeEach(() => {
  budget = new BodyBudget();
});
afterEach(() => vi.useRealTimers());

function rules(change: Partial<BodyRules> = {}): BodyRules {
  return { maxBytes: MIB, declaredBytes: undefined, budget, now: () => Date.now(), ...change };
}

/** A body whose parts come as its reader asks for them. */
function bodyOf(...parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const left = [...parts];
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const part = left.shift();
      if (part !== undefined) controller.enqueue(part.slice());
      else {
        controller.close();
        controller.byobRequest?.respond(0);
      }
    },
  });
}

function pattern(bytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: bytes }, (_, index) => index % 251);
}

test.each([
  ["none", [], undefined],
  ["one byte", [1], 1],
  ["a short one", [600], 600],
  ["a short one of unknown length", [600], undefined],
  ["one that fills the room that was made for it", [16 * 1024], undefined],
  ["one in many parts", Array.from({ length: 500 }, (_, index) => index), undefined],
  ["a long one", [MIB], MIB],
  ["a long one in uneven parts", [300_000, 1, 700_000], 1_000_001],
  ["one that is longer than it says", [5_000], 10],
  ["one that is shorter than it says", [10], 5_000],
])("%s comes whole", async (_name, sizes, declaredBytes) => {
  const whole = pattern(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  const parts = sizes
    .map((size) => whole.slice(at, (at += size)))
    .filter((part) => part.length > 0);
  const held = await holdBody(bodyOf(...parts), rules({ declaredBytes }));
  if (!held.ok) throw new Error(held.error);
  expect(bytesMatch(held.value.bytes, whole)).toBe(true);
  expect(budget.bytes).toBeGreaterThanOrEqual(whole.byteLength);
  held.value[Symbol.dispose]();
  expect(budget.bytes).toBe(0);
});

test("no body at all is an empty one", async () => {
  const held = await holdBody(null, rules());
  expect(held.ok && held.value.bytes.byteLength).toBe(0);
});

test.each([
  ["exactly as long as allowed", 100, { ok: true }],
  ["one byte too long", 101, { ok: false, error: "too_large" }],
  ["much too long", 100_000, { ok: false, error: "too_large" }],
])("a body that is %s", async (_name, bytes, expected) => {
  const held = await holdBody(bodyOf(pattern(bytes)), rules({ maxBytes: 100 }));
  expect(held).toMatchObject(expected);
  if (held.ok) held.value[Symbol.dispose]();
  expect(budget.bytes).toBe(0);
});

test("what is left of a body that is too long stays for somebody else to read away", async () => {
  const body = bodyOf(pattern(200), pattern(300));
  await holdBody(body, rules({ maxBytes: 100 }));
  expect(body.locked).toBe(false);
  let left = 0;
  for await (const part of body) left += part.byteLength;
  expect(left).toBe(399);
});

test("a length that somebody claims gets him no more room than he fills", async () => {
  const stalled = new ReadableStream({
    type: "bytes",
    pull: () => new Promise(() => {}),
  });
  void holdBody(stalled, rules({ maxBytes: 25 * MIB, declaredBytes: 25 * MIB }));
  expect(budget.bytes).toBeLessThanOrEqual(16 * 1024);
});

test("byte by byte a body costs no more room than it has bytes, nearly", async () => {
  const parts = Array.from({ length: 3_000 }, () => utf8("x"));
  const held = await holdBody(bodyOf(...parts), rules({ declaredBytes: 3_000 }));
  expect(held.ok && held.value.bytes.byteLength).toBe(3_000);
  expect(budget.bytes).toBe(3_001);
});

test("when the isolate holds enough, the next one is to come again, and there is room after that", async () => {
  budget = new BodyBudget(MIB);
  const first = await holdBody(bodyOf(pattern(600_000)), rules({ declaredBytes: 600_000 }));
  if (!first.ok) throw new Error(first.error);
  const refused = await holdBody(bodyOf(pattern(600_000)), rules({ declaredBytes: 600_000 }));
  expect(refused).toEqual({ ok: false, error: "busy" });
  expect(budget.bytes).toBe(600_001);
  first.value[Symbol.dispose]();
  expect((await holdBody(bodyOf(pattern(600_000)), rules({ declaredBytes: 600_000 }))).ok).toBe(
    true,
  );
});

test("a body that stops coming is given up, and so is its connection", async () => {
  vi.useFakeTimers();
  let cancelled = false;
  const body = new ReadableStream({
    type: "bytes",
    start: (controller) => controller.enqueue(pattern(10)),
    pull: () => new Promise(() => {}),
    cancel() {
      cancelled = true;
    },
  });
  const held = holdBody(body, rules());
  await vi.advanceTimersByTimeAsync(BODY_PATIENCE_MS - 10);
  expect(budget.bytes).toBeGreaterThan(0);
  await vi.advanceTimersByTimeAsync(20);
  expect(await held).toEqual({ ok: false, error: "slow" });
  expect([cancelled, body.locked, budget.bytes]).toEqual([true, false, 0]);
});

test.each([
  ["a byte a second", 1, "slow"],
  ["half of what is asked for", BODY_BYTES_PER_SECOND / 2, "slow"],
  ["all that is asked for", BODY_BYTES_PER_SECOND, "whole"],
])("a body of 30 seconds that comes with %s", async (_name, bytesPerSecond, expected) => {
  vi.useFakeTimers();
  let left = 30;
  const body = new ReadableStream({
    type: "bytes",
    async pull(controller) {
      await vi.advanceTimersByTimeAsync(1_000);
      left -= 1;
      if (left >= 0) {
        controller.enqueue(pattern(bytesPerSecond));
        return;
      }
      controller.close();
      controller.byobRequest?.respond(0);
    },
  });
  const held = await holdBody(body, rules({ maxBytes: 25 * MIB }));
  expect(held.ok ? "whole" : held.error).toBe(expected);
});

test("a sender that breaks off leaves nothing behind", async () => {
  const body = new ReadableStream({
    type: "bytes",
    start: (controller) => controller.enqueue(pattern(10)),
    pull: (controller) => controller.error(new Error("reset")),
  });
  expect(await holdBody(body, rules())).toEqual({ ok: false, error: "cut" });
  expect(budget.bytes).toBe(0);
});

test("the place of a request that the runtime has dropped is free again after a while", () => {
  budget = new BodyBudget(MIB);
  const [dropped, next, another] = [{}, {}, {}];
  expect(budget.take(dropped, MIB, 0)).toBe(true);
  expect(budget.take(next, 1, 300_000)).toBe(false);
  expect(budget.take(next, 1, 300_001)).toBe(true);
  // It comes too late, and gives nothing back that belongs to somebody else.
  budget.giveBack(dropped);
  expect(budget.bytes).toBe(1);
  expect(budget.take(another, MIB, 300_001)).toBe(false);
});
