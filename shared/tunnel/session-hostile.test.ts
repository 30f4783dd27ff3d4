import { expect, test } from "vitest";
import { pair } from "../../test/support/session-pair.ts";
import { LIMITS } from "../limits.ts";
import { encodeFields, type Fields } from "./fields.ts";
import { encodeFrames, frame, FrameType } from "./frame.ts";

const GET: Fields = [[":method", "GET"]];

function head(fields: Fields): Uint8Array {
  const encoded = encodeFields(fields);
  if (!encoded.ok) throw new Error(encoded.error.reason);
  return encoded.value;
}

// Each row is a message a hostile or broken peer may send after the greeting.
const zeros = (bytes: number) => new Uint8Array(bytes);
test.each([
  ["half a header", zeros(5)],
  ["a frame that lies about its length", Uint8Array.of(0x85, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 1)],
  ["a critical type of a later version", Uint8Array.of(0xf0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0)],
  ["data beyond the frame limit", encodeFrames([frame(FrameType.data, 1, zeros(65_537))])],
  ["a message beyond the message limit", zeros(LIMITS.maxMessageBytes + 1)],
  ["data on stream 0", encodeFrames([frame(FrameType.data, 0)])],
  ["data on a stream never opened", encodeFrames([frame(FrameType.data, 9)])],
  ["an open with an id of ours", encodeFrames([frame(FrameType.open, 2, head(GET))])],
  ["a second greeting", encodeFrames([frame(FrameType.welcome, 0, head(GET))])],
  ["a bad offset", encodeFrames([frame(FrameType.maxData, 0, zeros(3))])],
])("%s ends the connection with a reason and no exception", (_name, message) => {
  const fatal: string[] = [];
  const joined = pair({ onFatal: (reason) => fatal.push(reason) });
  joined.core.receive(message);
  expect(fatal).toHaveLength(1);
  expect(joined.core.ready).toBe(false);
});

test("an unknown type that may be skipped is skipped", () => {
  const fatal: string[] = [];
  const joined = pair({ onFatal: (reason) => fatal.push(reason) });
  joined.core.receive(Uint8Array.of(0x70, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 42));
  expect(fatal).toEqual([]);
  expect(joined.core.ready).toBe(true);
});

test("a peer that ignores its window is cut off", () => {
  const fatal: string[] = [];
  const joined = pair({
    onOpen: (stream) => stream.listen(() => undefined),
    onFatal: (reason) => fatal.push(reason),
  });
  joined.relay.openStream("http", GET);
  joined.settle();
  const chunk = frame(FrameType.data, 1, zeros(LIMITS.maxFrameBytes));
  const count = LIMITS.streamWindowBytes / LIMITS.maxFrameBytes;
  for (let sent = 0; sent <= count; sent += 1) joined.core.receive(encodeFrames([chunk]));
  expect(fatal).toEqual(["window ignored"]);
});

test("a head that cannot be read refuses its stream and nothing else", () => {
  const joined = pair();
  joined.core.receive(encodeFrames([frame(FrameType.open, 1, zeros(1))]));
  expect(joined.core.ready).toBe(true);
  joined.settle();
  expect(joined.core.busy).toBe(0);
});
