import { expect, test } from "vitest";
import { type Pair, pair } from "../../test/support/session-pair.ts";
import { LIMITS } from "../limits.ts";
import type { Fields } from "./fields.ts";
import { ResetCode } from "./frame.ts";
import type { Stream } from "./stream.ts";

const GET: Fields = [[":method", "GET"]];
/** Two pieces, the last of one byte. */
const AWKWARD_BYTES = LIMITS.maxFrameBytes + 1;

interface World {
  readonly joined: Pair;
  readonly stream: Stream;
  /** What each message is to be consumed as. */
  readonly arrived: number[];
  readonly theirs: () => Stream;
  readonly take: () => void;
}

/** The relay's end of a socket, and a reader at the core that takes nothing by itself. */
function world(): World {
  const arrived: number[] = [];
  let theirs: Stream | undefined;
  const joined = pair({
    onOpen: (stream) => {
      theirs = stream;
      stream.listen((event) => {
        if (event.type === "message") arrived.push(event.bytes);
      });
    },
  });
  const stream = joined.relay.openStream("websocket", GET);
  joined.settle();
  if (stream === undefined) throw new Error("not opened");
  const atCore = (): Stream => {
    if (theirs === undefined) throw new Error("not accepted");
    return theirs;
  };
  const take = (): void => {
    for (const bytes of arrived.splice(0)) atCore().consume(bytes);
    joined.settle();
  };
  return { joined, stream, arrived, theirs: atCore, take };
}

function heldAtCore({ core }: Pair): number {
  const { received, consumed } = core.state.receive;
  return received - consumed;
}

test("a reader that takes nothing is sent a window, however the messages are cut", () => {
  const { joined, stream, arrived, take } = world();
  for (let index = 0; index < 100; index += 1) stream.sendMessage(new Uint8Array(AWKWARD_BYTES));
  joined.settle();
  expect(stream.sentBytes).toBeLessThanOrEqual(LIMITS.streamWindowBytes);
  let count = arrived.length;
  while (stream.queued) {
    take();
    count += arrived.length;
  }
  expect(count).toBe(100);
});

test("a message longer than any window arrives although nothing was taken", () => {
  const { joined, stream, arrived } = world();
  stream.sendMessage(new Uint8Array(LIMITS.maxWebSocketMessageBytes));
  joined.settle();
  expect([arrived.length, stream.queued]).toEqual([1, false]);
});

test("a long message behind one that was not taken waits for that one, and not for ever", () => {
  const { joined, stream, arrived, take } = world();
  stream.sendMessage(new Uint8Array(200_000));
  stream.sendMessage(new Uint8Array(LIMITS.maxWebSocketMessageBytes));
  joined.settle();
  expect([arrived.length, stream.queued]).toEqual([1, true]);
  take();
  expect([arrived.length, stream.queued]).toEqual([1, false]);
});

test("messages that have come in part hold none of the connection's credit", () => {
  const { joined, stream } = world();
  const { relay } = joined;
  const all = [stream];
  // Halves of more messages than the connection has credit for, were it counted.
  for (let index = 1; index < 200; index += 1) {
    const more = relay.openStream("websocket", GET);
    if (more !== undefined) all.push(more);
  }
  for (const one of all) one.sendMessage(new Uint8Array(500_000));
  joined.settle();
  expect(all.filter((one) => one.queued)).toEqual([]);
});

test.each([
  ["reset", (stream: Stream) => stream.reset(ResetCode.cancel)],
  ["stopped", (stream: Stream) => stream.stop()],
])("a socket that is %s gives back what it held, and no more", (_name, end) => {
  const { joined, stream, theirs } = world();
  for (let index = 0; index < 100; index += 1) stream.sendMessage(new Uint8Array(AWKWARD_BYTES));
  joined.settle();
  expect(heldAtCore(joined)).toBeGreaterThan(0);
  end(theirs());
  joined.settle();
  expect(heldAtCore(joined)).toBe(0);
});

test("what was taken late is known to the relay's own memory of the session", () => {
  const told: string[] = [];
  let taken = 0;
  let theirs: Stream | undefined;
  const joined = pair({
    onOpen: (stream) => {
      theirs = stream;
      stream.listen((event) => {
        if (event.type === "message") taken = event.bytes;
      });
    },
    onSocketChange: () => told.push("socket"),
    onConsumed: () => told.push("connection"),
  });
  joined.relay.openStream("websocket", GET)?.sendMessage("a small one");
  joined.settle();
  told.length = 0;
  theirs?.consume(taken);
  expect(told).toEqual(["connection", "socket"]);
});
