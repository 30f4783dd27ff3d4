import { expect, test } from "vitest";
import { LIMITS } from "../limits.ts";
import type { Fields } from "./fields.ts";
import { encodeFrames, frame, FrameType, GoAwayCode, NackCode, ResetCode } from "./frame.ts";
import { encodeFields } from "./fields.ts";
import { collect, type Pair, pair, recorder } from "../../test/support/session-pair.ts";

const GET: Fields = [[":method", "GET"]];
const OK: Fields = [[":status", "200"]];

function head(fields: Fields): Uint8Array {
  const encoded = encodeFields(fields);
  if (!encoded.ok) throw new Error(encoded.error.reason);
  return encoded.value;
}

function request(joined: Pair, fields = GET, end = true) {
  const stream = joined.relay.openStream("http", fields, end);
  if (stream === undefined) throw new Error("refused");
  return stream;
}

test("both ends are ready once they have greeted each other", () => {
  const joined = pair();
  expect([joined.relay.ready, joined.core.ready]).toEqual([true, true]);
});

test("a request and its answer arrive whole and in order, and leave nothing behind", () => {
  const joined = pair({
    onOpen: (stream, fields) => {
      expect(fields).toEqual(GET);
      stream.listen(() => undefined);
      stream.sendHead(head(OK));
      stream.write(Uint8Array.of(1, 2));
      stream.write(Uint8Array.of(3));
      stream.end();
    },
  });
  const answer = collect(request(joined));
  joined.settle();
  expect(answer.events).toEqual(["head", "data", "data", "end"]);
  expect([...answer.bytes()]).toEqual([1, 2, 3]);
  expect([joined.relay.busy, joined.core.busy]).toEqual([0, 0]);
  expect([joined.relay.bufferedBytes, joined.core.bufferedBytes]).toEqual([0, 0]);
});

test("either side may end first: an early answer outlives the stopped upload", () => {
  const joined = pair({
    onOpen: (stream) => {
      stream.listen(() => undefined);
      stream.sendHead(head(OK), true);
      stream.stop();
    },
  });
  const stream = request(joined, GET, false);
  const answer = collect(stream);
  stream.write(new Uint8Array(LIMITS.streamWindowBytes * 2));
  joined.settle();
  expect(answer.events).toEqual(["head", "end", "stop"]);
  expect(stream.over).toBe(true);
  expect(joined.core.busy).toBe(0);
});

test("a reader that does not read stops its own writer and nobody else", () => {
  const accepted = recorder();
  const joined = pair({ onOpen: (stream) => accepted.listen(stream, { consume: false }) });
  const slow = request(joined, GET, false);
  slow.write(new Uint8Array(LIMITS.streamWindowBytes + 1));
  joined.settle();
  expect(slow.queuedBytes).toBe(1);
  const other = request(joined, GET, false);
  other.write(new Uint8Array(10));
  other.end();
  joined.settle();
  expect(accepted.bytesOf(other.id)).toBe(10);
  accepted.streams[0]?.consume(LIMITS.streamWindowBytes);
  joined.settle();
  expect(slow.queuedBytes).toBe(0);
});

test("urgent data overtakes bulk data that is already waiting", () => {
  const accepted = recorder();
  const joined = pair({ onOpen: (stream) => accepted.listen(stream) });
  const bulk = request(joined, GET, false);
  const tokens = request(joined, GET, false);
  tokens.urgent = true;
  joined.settle();
  bulk.write(new Uint8Array(LIMITS.streamWindowBytes));
  tokens.write(Uint8Array.of(1));
  joined.settle();
  expect(accepted.order[0]).toBe(tokens.id);
});

test("bulk streams take turns", () => {
  const accepted = recorder();
  const joined = pair({ onOpen: (stream) => accepted.listen(stream) });
  const streams = [0, 1, 2].map(() => request(joined, GET, false));
  joined.settle();
  for (const stream of streams) stream.write(new Uint8Array(2 * LIMITS.maxFrameBytes));
  joined.settle();
  expect(accepted.order.slice(0, 3)).toEqual(streams.map((stream) => stream.id));
});

test("data waits while the socket is full and goes on when it has room", () => {
  const accepted = recorder();
  const joined = pair({ onOpen: (stream) => accepted.listen(stream) });
  const stream = request(joined, GET, false);
  joined.settle();
  joined.buffered.relay = 10 * LIMITS.maxMessageBytes;
  stream.write(Uint8Array.of(1));
  joined.settle();
  expect(accepted.bytesOf(stream.id)).toBe(0);
  joined.buffered.relay = 0;
  joined.relay.flush();
  joined.settle();
  expect(accepted.bytesOf(stream.id)).toBe(1);
});

test("a reset frees both ends, and the credit of what was never read", () => {
  const accepted = recorder();
  const joined = pair({ onOpen: (stream) => accepted.listen(stream, { consume: false }) });
  const rounds = (2 * LIMITS.connectionWindowBytes) / LIMITS.streamWindowBytes;
  for (let round = 0; round < rounds; round += 1) {
    const stream = request(joined, GET, false);
    stream.write(new Uint8Array(LIMITS.streamWindowBytes));
    joined.settle();
    expect(accepted.bytesOf(stream.id)).toBe(LIMITS.streamWindowBytes);
    stream.reset(ResetCode.cancel);
    joined.settle();
  }
  expect([joined.core.busy, joined.core.bufferedBytes]).toEqual([0, 0]);
});

test.each(["text", "", "ü€😀", Uint8Array.of(0, 255), new Uint8Array(700_000).fill(7)])(
  "a WebSocket message arrives as it was sent (%#)",
  (message) => {
    const got: unknown[] = [];
    const joined = pair({
      onOpen: (stream) => {
        stream.sendHead(head([[":status", "101"]]));
        stream.listen((event) => {
          if (event.type !== "message") return;
          got.push(event.message);
          stream.consume(event.bytes);
        });
      },
    });
    const socket = joined.relay.openStream("websocket", GET);
    socket?.listen(() => undefined);
    socket?.sendMessage(message);
    joined.settle();
    expect(got).toEqual([message]);
  },
);

test("a WebSocket close keeps its code and reason and follows what was sent before", () => {
  const got: unknown[] = [];
  const joined = pair({
    onOpen: (stream) => stream.listen((event) => got.push(event)),
  });
  const socket = joined.relay.openStream("websocket", GET);
  socket?.listen(() => undefined);
  socket?.sendMessage("last words", 7);
  socket?.sendClose(4001, "gone home");
  socket?.sendMessage("too late");
  joined.settle();
  expect(got).toEqual([
    { type: "message", message: "last words", bytes: 10, answers: 7 },
    { type: "close", code: 4001, reason: "gone home" },
  ]);
});

test("a message beyond the bound cuts its own socket only", () => {
  const resets: number[] = [];
  const joined = pair({
    onOpen: (stream) =>
      stream.listen((event) => {
        if (event.type === "reset") resets.push(event.code);
      }),
  });
  const socket = joined.relay.openStream("websocket", GET);
  socket?.listen(() => undefined);
  socket?.sendMessage(new Uint8Array(LIMITS.maxWebSocketMessageBytes + 1));
  joined.settle();
  expect(resets).toEqual([ResetCode.tooLarge]);
  expect([joined.relay.ready, joined.core.ready]).toEqual([true, true]);
});

test("a delivery is over with its answer", () => {
  const joined = pair({
    onOpen: (stream) => {
      stream.listen((event) => {
        if (event.type === "end") stream.answer(FrameType.ack, head([[":id", "d1"]]));
      });
    },
  });
  const delivery = joined.relay.openStream("delivery", [[":id", "d1"]]);
  const answer = collect(delivery);
  delivery?.write(new Uint8Array(100_000));
  delivery?.end();
  joined.settle();
  expect(answer.events).toEqual(["ack"]);
  expect([joined.relay.busy, joined.core.busy]).toEqual([0, 0]);
});

test("an answer to a delivery the relay has forgotten is told by its id", () => {
  const late: unknown[] = [];
  const joined = pair(
    { onOpen: (stream) => stream.listen(() => undefined) },
    { onLateAnswer: (answer, code, fields) => late.push([answer, code, fields]) },
  );
  const delivery = joined.relay.openStream("delivery", [[":id", "d1"]], true);
  joined.settle();
  const woken = joined.wakeRelay();
  const fields: Fields = [
    [":id", "d1"],
    [":retry-after-ms", "10"],
  ];
  joined.core.stream(delivery?.id ?? 0)?.answer(FrameType.nack, head(fields), NackCode.later);
  joined.settle();
  expect(late).toEqual([["nack", NackCode.later, fields]]);
  expect(woken.ready).toBe(true);
});

test("a relay that slept goes on with its sockets, its ids and its credit", () => {
  const got: unknown[] = [];
  const joined = pair({
    onOpen: (stream) => {
      stream.listen((event) => {
        if (event.type !== "message") return;
        got.push(event.message);
        stream.consume(event.bytes);
      });
    },
  });
  const socket = joined.relay.openStream("websocket", GET);
  socket?.listen(() => undefined);
  socket?.sendMessage("before");
  joined.settle();
  const state = socket?.state;
  if (state === undefined) throw new Error("no stream");
  const woken = joined.wakeRelay();
  const resumed = woken.resume(state);
  resumed.listen(() => undefined);
  const rounds = (4 * LIMITS.streamWindowBytes) / 10_000;
  for (let round = 0; round < rounds; round += 1) {
    resumed.sendMessage(new Uint8Array(10_000));
    joined.settle();
  }
  expect(got.length).toBe(1 + Math.ceil(rounds));
  expect(woken.openStream("http", GET, true)?.id).toBeGreaterThan(resumed.id);
});

test("after GOAWAY nothing new is opened and what is under way ends well", () => {
  const drained: string[] = [];
  const accepted = recorder();
  const joined = pair({
    onOpen: (stream) => accepted.listen(stream),
    onDrained: () => drained.push("core"),
  });
  const stream = request(joined, GET, false);
  joined.settle();
  joined.core.goAway(GoAwayCode.shutdown, "restart");
  joined.settle();
  expect(drained).toEqual(["core"]);
  expect(joined.relay.open).toBe(false);
  expect(joined.relay.openStream("http", GET, true)).toBeUndefined();
  stream.write(Uint8Array.of(1));
  joined.settle();
  expect(accepted.bytesOf(stream.id)).toBe(1);
});

test("what crosses a GOAWAY on the way is taken, and nothing is opened after it", () => {
  const opened: number[] = [];
  const joined = pair({
    onOpen: (stream) => {
      opened.push(stream.id);
      stream.listen(() => undefined);
    },
  });
  const answer = collect(request(joined));
  joined.core.goAway(GoAwayCode.shutdown, "restart");
  joined.settle();
  expect(opened).toEqual([1]);
  expect(answer.resets).toEqual([]);
  expect(joined.relay.openStream("http", GET, true)).toBeUndefined();
});

test("what a peer opens after it has seen our GOAWAY is refused", () => {
  const opened: number[] = [];
  const joined = pair({ onOpen: (stream) => opened.push(stream.id) });
  joined.core.goAway(GoAwayCode.shutdown, "restart");
  joined.settle();
  joined.core.receive(encodeFrames([frame(FrameType.open, 1, head(GET))]));
  joined.settle();
  expect(opened).toEqual([]);
  expect(joined.core.ready).toBe(true);
});

test("one stream more than the peer takes is not opened", () => {
  const joined = pair({ onOpen: (stream) => stream.listen(() => undefined) });
  for (let count = 0; count < LIMITS.maxStreams; count += 1) request(joined, GET, false);
  expect(joined.relay.openStream("http", GET, false)).toBeUndefined();
  expect(joined.relay.openStream("websocket", GET, false)).toBeDefined();
});

test("losing the connection is told to every stream, once", () => {
  const joined = pair({ onOpen: (stream) => stream.listen(() => undefined) });
  const answer = collect(request(joined, GET, false));
  joined.relay.lost();
  joined.relay.lost();
  expect(answer.resets).toEqual([ResetCode.lost]);
  expect(joined.relay.busy).toBe(0);
});
