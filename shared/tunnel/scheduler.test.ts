import { expect, test } from "vitest";
import { LIMITS } from "../limits.ts";
import { type Frame, frame, FrameType, HEADER_BYTES } from "./frame.ts";
import { Scheduler } from "./scheduler.ts";
import { Stream, type StreamHost } from "./stream.ts";
import { SendWindow } from "./window.ts";

const ROOM = LIMITS.maxMessageBytes;
const PLENTY = 1e9;

/** A scheduler with streams on it, and what they say to it. */
function world() {
  const scheduler = new Scheduler();
  const host: StreamHost = {
    control: () => undefined,
    activate: (stream) => scheduler.add(stream),
    consumed: () => undefined,
    changed: () => undefined,
    forget: (stream) => scheduler.remove(stream),
    now: () => 1,
  };
  const open = (id: number, { bytes = 0, urgent = false, credit = PLENTY } = {}): Stream => {
    const stream = new Stream(host, id, "http", credit);
    stream.urgent = urgent;
    stream.write(new Uint8Array(bytes));
    return stream;
  };
  const take = (room: number = ROOM, connection = new SendWindow(PLENTY)): Frame[] => {
    const batch: Frame[] = [];
    scheduler.takeTurns(batch, room, connection);
    return batch;
  };
  const turns = (room?: number, connection?: SendWindow) =>
    take(room, connection).map(({ stream, payload }) => [stream, payload.byteLength]);
  return { open, take, turns };
}

const FRAME = LIMITS.maxFrameBytes;

test("streams take turns, a frame each, and the end of the line is the end of the line", () => {
  const { open, turns } = world();
  open(1, { bytes: 2 * FRAME });
  open(3, { bytes: 10 });
  open(5, { bytes: FRAME });
  expect(turns()).toEqual([
    [1, FRAME],
    [3, 10],
    [5, FRAME],
    [1, FRAME],
  ]);
  expect(turns()).toEqual([]);
});

test("who is in line when a batch is full is first in the next", () => {
  const { open, turns } = world();
  for (const id of [1, 3, 5, 7, 9]) open(id, { bytes: FRAME });
  const first = turns();
  expect(first.map(([id]) => id)).toEqual([1, 3, 5, 7]);
  expect(turns().map(([id]) => id)).toEqual([9, 7]);
});

test("a batch never outgrows its message", () => {
  const { open, take } = world();
  for (const id of [1, 3, 5, 7]) open(id, { bytes: 10 * FRAME - id });
  for (const room of [0, HEADER_BYTES, HEADER_BYTES + 1, 1_000, FRAME + 5, ROOM]) {
    const size = take(room).reduce(
      (sum, { payload }) => sum + HEADER_BYTES + payload.byteLength,
      0,
    );
    expect(size).toBeLessThanOrEqual(room);
  }
});

test("urgent streams go first", () => {
  const { open, turns } = world();
  open(1, { bytes: FRAME });
  open(3, { bytes: 5, urgent: true });
  expect(turns()[0]).toEqual([3, 5]);
});

test("urgent streams that never fall silent leave the others a share", () => {
  const { open, turns } = world();
  const greedy = open(1, { bytes: ROOM, urgent: true });
  const patient = open(3, { bytes: FRAME });
  let batches = 0;
  while (patient.queuedBytes > 0 && batches < 10) {
    turns();
    greedy.write(new Uint8Array(ROOM));
    batches += 1;
  }
  expect(patient.queuedBytes).toBe(0);
});

test("a stream without credit of its own stands aside until it is granted some", () => {
  const { open, turns } = world();
  const poor = open(1, { bytes: 20, credit: 10 });
  open(3, { bytes: 5 });
  expect(turns()).toEqual([
    [1, 10],
    [3, 5],
  ]);
  expect(turns()).toEqual([]);
  poor.grant(15);
  expect(turns()).toEqual([[1, 5]]);
});

test("streams that wait for the connection's credit go on when it comes, none is forgotten", () => {
  const { open, turns } = world();
  const connection = new SendWindow(15);
  for (const id of [1, 3, 5]) open(id, { bytes: 10, urgent: true });
  expect(turns(ROOM, connection)).toEqual([
    [1, 10],
    [3, 5],
  ]);
  connection.grant(1_000);
  const rest = turns(ROOM, connection);
  expect(rest.reduce((sum, [, bytes = 0]) => sum + bytes, 0)).toBe(15);
});

test("readers that take nothing cannot use up the credit of the others", () => {
  const { open, turns } = world();
  const connection = new SendWindow(16 * FRAME);
  for (let id = 1; id < 64; id += 2) open(id, { bytes: FRAME });
  while (turns(ROOM, connection).length > 0);
  const unread = connection.available;
  expect(unread).toBeGreaterThan(0);
  open(101, { bytes: 100, urgent: true });
  expect(turns(ROOM, connection)).toContainEqual([101, 100]);
});

test("a long answer leaves credit for one that begins", () => {
  const { open, turns } = world();
  const connection = new SendWindow(16 * FRAME);
  open(1, { bytes: 100 * FRAME });
  while (turns(ROOM, connection).length > 0);
  open(3, { bytes: 1_000 });
  expect(turns(ROOM, connection)).toEqual([[3, 1_000]]);
});

test("an end without bytes needs no credit", () => {
  const { open, take } = world();
  const stream = open(1, { bytes: 3 });
  const connection = new SendWindow(3);
  take(ROOM, connection);
  stream.end();
  expect(take(ROOM, connection)).toEqual([
    frame(FrameType.data, 1, new Uint8Array(0), { flags: 1 }),
  ]);
});

test("a stream that is over is in no line", () => {
  const { open, turns } = world();
  open(1, { bytes: 10 }).reset(1);
  expect(turns()).toEqual([]);
});
