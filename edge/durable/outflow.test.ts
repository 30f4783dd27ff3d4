import { expect, test, vi } from "vitest";
import { LIMITS } from "../../shared/limits.ts";
import { Outflow } from "./outflow.ts";

const MUCH = 1024 * 1024;

function world() {
  const socket = { buffered: 0 };
  const consumed: number[] = [];
  const stuck = vi.fn();
  const behind = { bytes: 0 };
  const outflow = new Outflow(() => socket.buffered, behind, stuck);
  const sent: number[] = [];
  const send = (n: number): void =>
    outflow.push(
      () => sent.push(n),
      () => consumed.push(n),
    );
  return { socket, consumed, stuck, behind, outflow, sent, send };
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
  socket.buffered = 32 * MUCH;
  send(1);
  for (let second = 0; second < 60; second += 1) {
    socket.buffered -= MUCH / 2;
    vi.advanceTimersByTime(1_000);
  }
  expect(stuck).not.toHaveBeenCalled();
  vi.useRealTimers();
});

test("a slow client is not given up because more comes than it takes", () => {
  vi.useFakeTimers();
  const { socket, stuck, send } = world();
  socket.buffered = MUCH;
  send(1);
  for (let second = 0; second < 60; second += 1) {
    socket.buffered -= 100;
    vi.advanceTimersByTime(1_000);
    socket.buffered += 1_000;
    send(1);
  }
  expect(stuck).not.toHaveBeenCalled();
  vi.useRealTimers();
});

test("what a client owes when it ends is given back, and so is all that comes after", () => {
  vi.useFakeTimers();
  const { socket, consumed, sent, behind, outflow, send } = world();
  socket.buffered = MUCH;
  send(1);
  send(2);
  expect(behind.bytes).toBe(MUCH);
  outflow.stop();
  send(3);
  expect([consumed, sent]).toEqual([
    [1, 2, 3],
    [1, 2],
  ]);
  expect([behind.bytes, vi.getTimerCount()]).toEqual([0, 0]);
  vi.useRealTimers();
});

test("clients that are too far behind together are given up at once", () => {
  vi.useFakeTimers();
  const { socket, stuck, behind, outflow, send } = world();
  behind.bytes = 31 * MUCH;
  socket.buffered = MUCH;
  send(1);
  expect(stuck).not.toHaveBeenCalled();
  socket.buffered += 1;
  send(1);
  expect(stuck).toHaveBeenCalledTimes(1);
  outflow.stop();
  expect(behind.bytes).toBe(31 * MUCH);
  vi.useRealTimers();
});
