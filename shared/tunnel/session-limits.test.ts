import { expect, test } from "vitest";
import { pair } from "../../test/support/session-pair.ts";
import { LIMITS } from "../limits.ts";
import type { Fields } from "./fields.ts";
import {
  decodeFrames,
  encodeFrames,
  encodeU32,
  type Frame,
  frame,
  FrameType,
  ResetCode,
} from "./frame.ts";
import { Session, type SessionOptions } from "./session.ts";

const GET: Fields = [[":method", "GET"]];

const ignore = () => undefined;

test("when the last id is used nothing more is opened, and the peer is told", () => {
  const { relay } = pair();
  const sent: Frame[] = [];
  const turns: (() => void)[] = [];
  const options: SessionOptions = {
    role: "relay",
    send: (message) => {
      const frames = decodeFrames(message);
      if (frames.ok) sent.push(...frames.value);
    },
    bufferedBytes: () => 0,
    defer: (flush) => turns.push(flush),
    now: () => 0,
    handlers: {
      onHello: ignore,
      onWelcome: ignore,
      onOpen: ignore,
      onLateAnswer: ignore,
      onUnknownStream: ignore,
      onSocketChange: ignore,
      onGoAway: ignore,
      onDrained: ignore,
      onFatal: ignore,
    },
  };
  const session = new Session(options, { ...relay.state, nextId: 0x7fff_fffd });
  expect(session.openStream("http", GET, true)?.id).toBe(0x7fff_fffd);
  expect([session.open, session.openStream("http", GET, true)]).toEqual([false, undefined]);
  for (const turn of turns) turn();
  expect(sent.map(({ type }) => type)).toEqual([FrameType.open, FrameType.goAway]);
});

test("a peer that takes fewer streams than it said is not sent more", () => {
  const joined = pair({ onOpen: (stream) => stream.listen(() => undefined) });
  joined.relay.receive(encodeFrames([frame(FrameType.maxStreams, 0, encodeU32(1))]));
  expect(joined.relay.openStream("http", GET)).toBeDefined();
  expect(joined.relay.openStream("delivery", GET)).toBeUndefined();
  expect(joined.relay.openStream("websocket", GET)).toBeDefined();
});

test("a count of streams that is cut short ends the connection", () => {
  const fatal: string[] = [];
  const joined = pair({ onFatal: (reason) => fatal.push(reason) });
  joined.core.receive(encodeFrames([frame(FrameType.maxStreams, 0, new Uint8Array(3))]));
  expect(fatal).toEqual(["bad stream count"]);
});

test("streams beyond what we take are refused, and those we have go on", () => {
  const joined = pair({ onOpen: (stream) => stream.listen(() => undefined) });
  const opens = Array.from({ length: LIMITS.maxStreams + 1 }, (_, index) =>
    frame(FrameType.open, 2 * index + 1, new Uint8Array(2)),
  );
  const refused: Frame[] = [];
  joined.core.receive(encodeFrames(opens));
  joined.relay.receive = (message) => {
    const frames = decodeFrames(message);
    if (frames.ok) refused.push(...frames.value);
  };
  joined.settle();
  expect(joined.core.busy).toBe(LIMITS.maxStreams);
  expect(refused.map(({ type, stream, ext }) => [type, stream, ext])).toEqual([
    [FrameType.reset, 2 * LIMITS.maxStreams + 1, ResetCode.refused],
  ]);
});
