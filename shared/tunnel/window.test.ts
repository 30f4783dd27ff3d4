import { expect, test } from "vitest";
import { Random } from "../../test/support/random.ts";
import { ReceiveWindow, SendWindow } from "./window.ts";

test("a sender may send up to the limit and no further", () => {
  const window = new SendWindow(10);
  window.take(10);
  expect(window.available).toBe(0);
  expect(() => window.take(1)).toThrow(RangeError);
  window.take(0);
});

test.each([
  ["the same grant again", 15],
  ["a grant that was overtaken by a higher one", 3],
])("%s grants nothing", (_name, limit) => {
  const window = new SendWindow(10);
  window.grant(15);
  window.grant(limit);
  expect(window.limit).toBe(15);
});

test("a receiver takes exactly what it allowed", () => {
  const window = new ReceiveWindow(10);
  expect(window.receive(10)).toBe(true);
  expect(window.receive(0)).toBe(true);
  expect(window.receive(1)).toBe(false);
  expect(window.held).toBe(10);
});

test("nothing is granted before half of the window is used, and then all of it", () => {
  const window = new ReceiveWindow(10);
  window.receive(10);
  expect(window.consume(4, 1)).toBeUndefined();
  expect(window.consume(1, 1)).toBe(15);
  expect(window.consume(5, 1_000)).toBe(20);
});

test("bytes that were received and not consumed are never granted again", () => {
  const random = new Random(3);
  const window = new ReceiveWindow(1_000, 8_000);
  let granted = 1_000;
  let now = 1;
  for (let round = 0; round < 20_000; round += 1) {
    now += random.size(200);
    const more = random.size(600);
    const fits = window.state.received + more <= granted;
    expect(window.receive(more)).toBe(fits);
    granted = window.consume(random.between(0, window.held), now) ?? granted;
    const { received, consumed, size } = window.state;
    expect(received).toBeLessThanOrEqual(granted);
    expect(granted - consumed).toBeLessThanOrEqual(size);
    expect(size).toBeLessThanOrEqual(8_000);
  }
});

test.each([
  ["faster than 100 ms doubles it", 99, 20],
  ["in 100 ms leaves it", 100, 10],
])("a window that is used up %s", (_name, afterMs, size) => {
  const window = new ReceiveWindow(10, 40);
  window.receive(10);
  window.consume(10, 1);
  window.receive(10);
  window.consume(10, 1 + afterMs);
  expect(window.state.size).toBe(size);
});

test("a window does not grow beyond its maximum", () => {
  const window = new ReceiveWindow(10, 15);
  for (let now = 1; now < 10; now += 1) {
    const { limit, received } = window.state;
    window.receive(limit - received);
    window.consume(limit - received, now);
  }
  expect(window.state.size).toBe(15);
});

test("a window that is put away and taken out again goes on as it was", () => {
  const window = new ReceiveWindow(10, 40);
  window.receive(10);
  window.consume(6, 1);
  const again = new ReceiveWindow(10, 40, structuredClone(window.state));
  expect(again.state).toEqual(window.state);
  expect(again.receive(6)).toBe(true);
  expect(again.receive(1)).toBe(false);
});

test("a writer and a reader that keep to the rules never block each other", () => {
  const random = new Random(4);
  const sender = new SendWindow(1_000);
  const receiver = new ReceiveWindow(1_000, 16_000);
  let left = 1_000_000;
  for (let round = 0; round < 100_000 && left > 0; round += 1) {
    const sent = Math.min(random.size(3_000), sender.available, left);
    sender.take(sent);
    left -= sent;
    expect(receiver.receive(sent)).toBe(true);
    const limit = receiver.consume(random.between(0, receiver.held), round * 10);
    if (limit !== undefined) sender.grant(limit);
  }
  expect(left).toBe(0);
});
