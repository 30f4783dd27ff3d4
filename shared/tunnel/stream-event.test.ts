import { expect, test } from "vitest";
import { pair } from "../../test/support/session-pair.ts";
import { LIMITS } from "../limits.ts";
import type { Fields } from "./fields.ts";
import { receiptOf } from "./stream-event.ts";

const GET: Fields = [[":method", "GET"]];

test.each([
  [1, 1],
  [65_535, 65_535],
  [65_536, 1],
  [131_071, 1],
])("the receipt of message %i is %i", (nth, receipt) => {
  expect(receiptOf(nth)).toBe(receipt);
});

test("a core tells what it has dealt with, and leaves something for the next", () => {
  const joined = pair({
    onOpen: (stream) =>
      stream.listen((event) => {
        if (event.type !== "message") return;
        stream.keepState("a name and a number: ü");
        stream.acknowledge(receiptOf(65_536));
      }),
  });
  const socket = joined.relay.openStream("websocket", GET);
  const events: unknown[] = [];
  socket?.listen((event) => events.push(event));
  socket?.sendMessage("hello");
  joined.settle();
  expect(events).toEqual([
    { type: "taken", receipt: 1 },
    { type: "state", state: "a name and a number: ü" },
  ]);
});

test("what is left for the next core is never ahead of the messages before it", () => {
  const joined = pair({
    onOpen: (stream) =>
      stream.listen((event) => {
        if (event.type !== "message") return;
        stream.sendMessage(new Uint8Array(LIMITS.streamWindowBytes), 1);
        stream.keepState("answered");
      }),
  });
  const events: string[] = [];
  const socket = joined.relay.openStream("websocket", GET);
  let unread = 0;
  socket?.listen((event) => {
    events.push(event.type);
    if (event.type === "message") unread = event.bytes;
  });
  socket?.sendMessage("hello");
  joined.settle();
  // All of the window is used up by the answer, which nobody has taken yet.
  expect(events).toEqual(["message"]);
  socket?.consume(unread);
  joined.settle();
  expect(events).toEqual(["message", "state"]);
});

test("what is left for the next core has a bound", () => {
  const joined = pair({ onOpen: (stream) => stream.listen(() => undefined) });
  const socket = joined.relay.openStream("websocket", GET);
  expect(() => socket?.keepState("ü".repeat(LIMITS.maxNoteBytes / 2 + 1))).toThrow(RangeError);
});
