import { expect, onTestFinished, test, vi } from "vitest";
import { Heartbeat } from "./heartbeat.ts";

/** A heartbeat, and a loop that runs late when it is told to. */
function beating() {
  vi.useFakeTimers();
  let lateMs = 0;
  let silences = 0;
  const heartbeat = new Heartbeat({
    send: () => undefined,
    onSilence: () => (silences += 1),
    now: () => performance.now() + lateMs,
  });
  onTestFinished(() => {
    heartbeat.stop();
    vi.useRealTimers();
  });
  return {
    heartbeat,
    silences: () => silences,
    /** Timers come when they should. */
    pass: (ms: number) => vi.advanceTimersByTime(ms),
    /** The next timer comes `ms` too late. */
    starve(ms: number) {
      lateMs += ms;
      vi.advanceTimersByTime(250);
    },
  };
}

test("a second of silence is a second in which we could hear", () => {
  const it = beating();
  it.heartbeat.probe(1_000);
  it.pass(500);
  for (let count = 0; count < 5; count += 1) it.starve(2_000);
  expect(it.silences()).toBe(0);
  it.pass(499);
  expect(it.silences()).toBe(0);
  it.pass(1);
  expect(it.silences()).toBe(1);
});

test("an answer that was there before a late timer counts", () => {
  const it = beating();
  it.heartbeat.probe(1_000);
  it.pass(750);
  it.starve(20_000);
  it.heartbeat.answered();
  it.pass(60_000);
  expect(it.silences()).toBe(0);
});

test("a machine that is busy for good is no excuse for ever", () => {
  const it = beating();
  it.heartbeat.probe(1_000);
  for (let count = 0; count < 63; count += 1) it.starve(300);
  expect(it.silences()).toBe(0);
  it.starve(300);
  expect(it.silences()).toBe(1);
});

test.each([1_000, 10_000, 130])("where nothing is late, %i ms are that", (timeoutMs) => {
  const it = beating();
  it.heartbeat.probe(timeoutMs);
  it.pass(timeoutMs - 1);
  expect(it.silences()).toBe(0);
  it.pass(1);
  expect(it.silences()).toBe(1);
});
