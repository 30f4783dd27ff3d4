import { expect, test } from "vitest";
import { collect, type Pair, pair } from "../../test/support/session-pair.ts";
import { LIMITS } from "../limits.ts";
import { encodeFields, type Fields } from "./fields.ts";
import { encodeFrames, Flag, type Frame, frame, FrameType, ResetCode } from "./frame.ts";
import type { Stream } from "./stream.ts";

const GET: Fields = [[":method", "GET"]];
const zeros = (bytes: number) => new Uint8Array(bytes);

function head(fields: Fields): Uint8Array {
  const encoded = encodeFields(fields);
  if (!encoded.ok) throw new Error(encoded.error.reason);
  return encoded.value;
}

/** The core's end of a stream the relay has just opened; what it hears is written down. */
function accepted(kind: "http" | "websocket" | "delivery" = "http", end = false) {
  const events: string[] = [];
  const streams: Stream[] = [];
  const fatal: string[] = [];
  const joined = pair({
    onOpen: (stream) => {
      streams.push(stream);
      stream.listen((event) => {
        events.push(event.type);
        if (event.type === "message") stream.consume(event.bytes);
      });
    },
    onFatal: (reason) => fatal.push(reason),
  });
  const opener = joined.relay.openStream(kind, GET, end);
  joined.settle();
  const [stream] = streams;
  if (opener === undefined || stream === undefined) throw new Error("refused");
  const deliver = (...frames: Frame[]) => joined.core.receive(encodeFrames(frames));
  return { joined, opener, stream, events, fatal, deliver };
}

/** What each side was allowed to send and what the other has given back, of the connection. */
function unsettledCredit({ relay, core }: Pair): number[] {
  const [ours, theirs] = [relay.state, core.state];
  return [
    ours.sent - theirs.receive.received,
    theirs.sent - ours.receive.received,
    ours.receive.received - ours.receive.consumed,
    theirs.receive.received - theirs.receive.consumed,
  ];
}

test("closing WebSockets with a reason costs no credit of the connection", () => {
  const { joined, opener, stream } = accepted("websocket");
  opener.sendMessage("a message");
  opener.sendClose(4000, "a reason of some length");
  stream.sendClose(1000, "another reason");
  joined.settle();
  expect(stream.over && opener.over).toBe(true);
  expect(unsettledCredit(joined)).toEqual([0, 0, 0, 0]);
});

test("a close whose reason is longer than the credit left arrives in one piece", () => {
  const closes: unknown[] = [];
  const joined = pair({
    onOpen: (stream) => {
      stream.listen((event) => {
        if (event.type === "close") closes.push([event.code, event.reason]);
      });
    },
  });
  const socket = joined.relay.openStream("websocket", GET);
  socket?.listen(() => undefined);
  socket?.sendMessage(zeros(LIMITS.streamWindowBytes - 5));
  socket?.sendClose(4000, "longer than five");
  joined.settle();
  expect(closes).toEqual([[4000, "longer than five"]]);
});

test("data after the end cuts the stream and is not counted twice", () => {
  const { joined, events, deliver } = accepted();
  deliver(
    frame(FrameType.data, 1, zeros(10), { flags: Flag.end }),
    frame(FrameType.data, 1, zeros(100)),
    frame(FrameType.reset, 1),
  );
  expect(events).toEqual(["data", "end", "reset"]);
  expect(joined.core.bufferedBytes).toBe(0);
});

test.each([
  ["a second head", frame(FrameType.headers, 1, head(GET))],
  ["data after the head that was all", frame(FrameType.data, 1, zeros(1))],
])("%s cuts the stream", (_name, wrong) => {
  const { joined, opener } = accepted("http", true);
  const answer = collect(opener);
  const first = frame(FrameType.headers, 1, head(GET), { flags: Flag.end });
  joined.relay.receive(encodeFrames([first, wrong]));
  expect(answer.events.slice(0, 2)).toEqual(["head", "end"]);
  expect(opener.over).toBe(true);
  expect([joined.relay.ready, joined.relay.bufferedBytes]).toEqual([true, 0]);
});

test("a second head before the end cuts the stream", () => {
  const { joined, opener } = accepted();
  const answer = collect(opener);
  const wrong = frame(FrameType.headers, 1, head(GET));
  joined.relay.receive(encodeFrames([wrong, wrong]));
  expect(answer.events).toEqual(["head", "reset"]);
});

test("a message after the close is not heard", () => {
  const { events, deliver } = accepted("websocket");
  deliver(
    frame(FrameType.wsClose, 1, undefined, { ext: 1000 }),
    frame(FrameType.wsMessage, 1, zeros(3), { flags: Flag.fin }),
  );
  expect(events).not.toContain("message");
});

// Each kind of stream has its own frames; another's are a fault of that stream alone.
test.each([
  ["a message", "http", frame(FrameType.wsMessage, 1, zeros(3), { flags: Flag.fin })],
  ["a close", "http", frame(FrameType.wsClose, 1)],
  ["an acceptance", "http", frame(FrameType.wsAccept, 1, head(GET))],
  ["an answer", "http", frame(FrameType.ack, 1, head(GET))],
  ["an answer", "websocket", frame(FrameType.nack, 1, head(GET))],
  ["a response", "websocket", frame(FrameType.headers, 1, head(GET))],
  ["a response", "delivery", frame(FrameType.headers, 1, head(GET))],
  ["a message", "delivery", frame(FrameType.wsMessage, 1, zeros(3), { flags: Flag.fin })],
] as const)("%s on a stream of kind %s cuts it with PROTOCOL", (_name, kind, wrong) => {
  const { joined, events, deliver, opener, fatal } = accepted(kind);
  const answer = collect(opener);
  deliver(wrong);
  joined.settle();
  expect(events).toEqual(["reset"]);
  expect(answer.resets).toEqual([ResetCode.protocol]);
  expect(fatal).toEqual([]);
  expect([joined.core.busy, joined.core.bufferedBytes]).toEqual([0, 0]);
});

test("a reader that gives up a body which has come whole gives its credit back", () => {
  const { joined, opener, stream } = accepted();
  collect(opener);
  opener.write(zeros(1_000));
  opener.end();
  stream.sendHead(head(GET), true);
  joined.settle();
  expect([stream.over, joined.core.bufferedBytes]).toEqual([true, 1_000]);
  stream.reset(ResetCode.cancel);
  stream.consume(1_000);
  expect(joined.core.bufferedBytes).toBe(0);
});

test("a delivery that is answered before it was read gives its credit back", () => {
  const { joined, opener, stream, events } = accepted("delivery");
  collect(opener);
  opener.write(zeros(1_000));
  joined.settle();
  stream.answer(FrameType.nack, head([[":id", "d"]]), 2);
  opener.write(zeros(1_000));
  opener.end();
  joined.settle();
  expect([joined.core.bufferedBytes, joined.core.busy, joined.relay.busy]).toEqual([0, 0, 0]);
  expect(unsettledCredit(joined)).toEqual([0, 0, 0, 0]);
  expect(events).toEqual(["data"]);
});

test("a reader that stops has read all it got, and all that was on its way", () => {
  const { joined, opener, stream, events } = accepted();
  const answer = collect(opener);
  opener.write(zeros(1_000));
  joined.settle();
  stream.stop();
  opener.write(zeros(1_000));
  joined.settle();
  expect(joined.core.bufferedBytes).toBe(0);
  expect(unsettledCredit(joined)).toEqual([0, 0, 0, 0]);
  expect(events).toEqual(["data", "end"]);
  stream.sendHead(head(GET), true);
  joined.settle();
  expect(answer.events).toEqual(["stop", "head", "end"]);
  expect([joined.core.busy, joined.relay.busy]).toEqual([0, 0]);
});

test("a stream that was cut while it was opened hears nothing more", () => {
  const events: string[] = [];
  const joined = pair({
    onOpen: (stream) => {
      stream.listen((event) => events.push(event.type));
      stream.reset(ResetCode.refused);
    },
  });
  joined.relay.openStream("http", GET, true);
  joined.settle();
  expect(events).toEqual([]);
});

test("a small piece of a large message does not keep all of it in memory", () => {
  const pieces: Uint8Array[] = [];
  const joined = pair({
    onOpen: (stream) => {
      stream.listen((event) => {
        if (event.type === "data") pieces.push(event.bytes);
      });
    },
  });
  joined.relay.openStream("http", GET);
  joined.settle();
  joined.core.receive(
    encodeFrames([
      frame(FrameType.data, 1, Uint8Array.of(1, 2, 3)),
      frame(FrameType.ping, 0, zeros(100)),
      frame(FrameType.data, 1, zeros(50_000)),
    ]),
  );
  expect(pieces.map((piece) => piece.byteLength)).toEqual([3, 50_000]);
  expect([...(pieces[0] ?? [])]).toEqual([1, 2, 3]);
  for (const piece of pieces) {
    expect(piece.buffer.byteLength).toBeLessThanOrEqual(2 * piece.byteLength);
  }
});
