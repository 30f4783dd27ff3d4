import { expect, test, vi } from "vitest";
import { LIMITS } from "../../shared/limits.ts";
import { Outflow } from "./outflow.ts";

const MUCH = 1024 * 1024;

function world() {
  const socket = { buffered: 0 };
  const consumed: number[] = [];
  const stuck = vi.fn();
  const outflow = new Outflow(() => socket.buffered, stuck);
  return { socket, consumed, stuck, send: (n: number) => outflow.sent(n, (b) => consumed.push(b)) };
}

test("a client that keeps up costs no timer and no delay", () => {
  vi.useFakeTimers();
  const { consumed, send } = world();
  send(10);
  expect(consumed).toEqual([10]);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("credit waits for a client that is behind, and comes in order when it has caught up", () => {
  vi.useFakeTimers();
  const { socket, consumed, stuck, send } = world();
  socket.buffered = MUCH;
  send(1);
  send(2);
  vi.advanceTimersByTime(1_000);
  expect(consumed).toEqual([]);
  socket.buffered = 0;
  vi.advanceTimersByTime(100);
  expect(consumed).toEqual([1, 2]);
  expect(vi.getTimerCount()).toBe(0);
  expect(stuck).not.toHaveBeenCalled();
  vi.useRealTimers();
});

test("a client that takes nothing at all is given up", () => {
  vi.useFakeTimers();
  const { socket, stuck, send } = world();
  socket.buffered = MUCH;
  send(1);
  vi.advanceTimersByTime(LIMITS.slowClientMs + 1_000);
  expect(stuck).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("a slow client that takes a little all the time is not", () => {
  vi.useFakeTimers();
  const { socket, stuck, send } = world();
  socket.buffered = 100 * MUCH;
  send(1);
  for (let second = 0; second < 60; second += 1) {
    socket.buffered -= MUCH;
    vi.advanceTimersByTime(1_000);
  }
  expect(stuck).not.toHaveBeenCalled();
  vi.useRealTimers();
});
