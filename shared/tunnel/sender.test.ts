import { expect, test } from "vitest";
import { LIMITS } from "../limits.ts";
import { decodeFrames, type Frame, frame, FrameType } from "./frame.ts";
import { Sender } from "./sender.ts";
import { Stream, type StreamHost } from "./stream.ts";
import { SendWindow } from "./window.ts";

/** A sender on a wire that writes down what leaves, and one stream on it. */
function world(credit = 1e9) {
  const messages: Frame[][] = [];
  const turns: (() => void)[] = [];
  const wire = { buffered: 0 };
  const sender = new Sender(
    {
      send: (message) => {
        const frames = decodeFrames(message);
        if (!frames.ok) throw new Error(frames.error.reason);
        messages.push(frames.value);
      },
      bufferedBytes: () => wire.buffered,
      defer: (flush) => turns.push(flush),
    },
    new SendWindow(credit),
  );
  const host: StreamHost = {
    control: (out) => sender.control(out),
    activate: (stream) => sender.activate(stream),
    consumed: () => undefined,
    changed: () => undefined,
    forget: (stream) => sender.forget(stream),
    now: () => 1,
  };
  const stream = new Stream(host, 1, "http", 1e9);
  const endTurn = () => turns.splice(0).forEach((turn) => turn());
  const types = () => messages.map((frames) => frames.map(({ type }) => type));
  return { sender, stream, messages, turns, wire, endTurn, types };
}

const head = (bytes = 3) => frame(FrameType.headers, 1, new Uint8Array(bytes));

test("all of one turn leaves as one message, when the turn ends", () => {
  const { sender, stream, types, turns, endTurn } = world();
  stream.write(Uint8Array.of(1));
  sender.control(head());
  sender.control(frame(FrameType.stop, 3));
  expect([types(), turns.length]).toEqual([[], 1]);
  endTurn();
  expect(types()).toEqual([[FrameType.headers, FrameType.stop, FrameType.data]]);
});

test("nothing to say is nothing sent", () => {
  const { sender, types } = world();
  sender.flush();
  expect(types()).toEqual([]);
});

test("heads that do not fit one message follow in the next, before any data", () => {
  const { sender, stream, types, endTurn } = world();
  stream.write(Uint8Array.of(1));
  for (let count = 0; count < 3; count += 1) sender.control(head(LIMITS.maxHeadBytes));
  endTurn();
  expect(types().flat()).toEqual([
    FrameType.headers,
    FrameType.headers,
    FrameType.headers,
    FrameType.data,
  ]);
  expect(types().length).toBeGreaterThan(1);
});

test("a full socket is left alone until it has room", () => {
  const { stream, types, wire, endTurn, sender } = world();
  wire.buffered = 2 * LIMITS.maxMessageBytes;
  stream.write(Uint8Array.of(1));
  endTurn();
  expect(types()).toEqual([]);
  wire.buffered -= 1;
  sender.flush();
  expect(types()).toEqual([[FrameType.data]]);
});

test("data waits for the connection's credit, control frames do not", () => {
  const { sender, stream, types, endTurn } = world(0);
  stream.write(Uint8Array.of(1));
  sender.control(head());
  endTurn();
  expect(types()).toEqual([[FrameType.headers]]);
  sender.grant(1);
  endTurn();
  expect(types()).toEqual([[FrameType.headers], [FrameType.data]]);
});

test("a peer that makes us owe more control frames than we hold is told apart", () => {
  const { sender, wire } = world();
  wire.buffered = 1e9;
  const taken = Array.from({ length: 4_097 }, () => sender.control(head()));
  expect([taken.indexOf(false), taken.length]).toEqual([4_096, 4_097]);
});

test("the last word is the last, and what waited is dropped", () => {
  const { sender, stream, types, endTurn } = world();
  sender.control(head());
  stream.write(Uint8Array.of(1));
  sender.stop(frame(FrameType.goAway, 0));
  sender.stop(frame(FrameType.goAway, 0));
  expect(sender.control(head())).toBe(true);
  stream.write(Uint8Array.of(2));
  endTurn();
  sender.flush();
  expect(types()).toEqual([[FrameType.goAway]]);
});
