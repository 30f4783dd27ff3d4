import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DeadlineError, within } from "./deadline.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("what is done in time is handed on, and no timer stays behind", async () => {
  expect(await within(Promise.resolve(7), 100)).toBe(7);
  await expect(within(Promise.reject(new RangeError("no")), 100)).rejects.toThrow(RangeError);
  expect(vi.getTimerCount()).toBe(0);
});

test("what takes too long is given up", async () => {
  const given = expect(within(new Promise(() => {}), 100)).rejects.toThrow(DeadlineError);
  await vi.advanceTimersByTimeAsync(100);
  await given;
  expect(vi.getTimerCount()).toBe(0);
});

test("slow work is told of once, and still has the rest of its time", async () => {
  const onSlow = vi.fn<() => void>();
  const work = Promise.withResolvers<number>();
  const given = within(work.promise, 100, { afterMs: 30, onSlow });
  await vi.advanceTimersByTimeAsync(29);
  expect(onSlow).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(70);
  expect(onSlow).toHaveBeenCalledOnce();
  work.resolve(8);
  expect(await given).toBe(8);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([30, 100, 300])(
  "work watched after %d ms has no more time than other work",
  async (afterMs) => {
    const watch = { afterMs, onSlow: () => undefined };
    const given = expect(within(new Promise(() => {}), 100, watch)).rejects.toThrow(DeadlineError);
    await vi.advanceTimersByTimeAsync(100);
    await given;
    expect(vi.getTimerCount()).toBe(0);
  },
);
