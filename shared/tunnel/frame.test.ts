import { expect, test } from "vitest";
import { Random } from "../../test/support/random.ts";
import { LIMITS } from "../limits.ts";
import {
  decodeFrames,
  decodeOffset,
  decodeU32,
  encodeFrames,
  encodeOffset,
  encodeU32,
  type Frame,
  frame,
  FrameType,
  HEADER_BYTES,
} from "./frame.ts";

const TYPES = Object.values(FrameType);
const HEADS: ReadonlySet<number> = new Set([
  FrameType.hello,
  FrameType.welcome,
  FrameType.open,
  FrameType.headers,
  FrameType.wsOpen,
  FrameType.wsAccept,
  FrameType.deliver,
  FrameType.ack,
  FrameType.nack,
]);
const CONTENT: ReadonlySet<number> = new Set([
  FrameType.data,
  FrameType.wsMessage,
  FrameType.wsState,
]);

function mostBytes(type: FrameType): number {
  if (HEADS.has(type)) return LIMITS.maxHeadBytes;
  if (type === FrameType.stats) return LIMITS.maxNoteBytes;
  return CONTENT.has(type) ? LIMITS.maxFrameBytes : LIMITS.maxReasonBytes;
}

test("a frame is its header of 12 bytes and its payload, as drawn in section 3", () => {
  const bytes = encodeFrames([
    frame(FrameType.data, 0x01020304, Uint8Array.of(0xaa, 0xbb), { flags: 9, ext: 0x0506 }),
  ]);
  expect([...bytes]).toEqual([0x85, 9, 5, 6, 1, 2, 3, 4, 0, 0, 0, 2, 0xaa, 0xbb]);
});

test("random batches come back as they were, also from within a larger buffer", () => {
  const random = new Random(2);
  for (let round = 0; round < 300; round += 1) {
    const frames: Frame[] = Array.from({ length: random.size(30) }, () => {
      const type = random.pick(TYPES);
      const payload = random.bytes(Math.min(random.size(2_000), mostBytes(type)));
      const ext = random.below(0x1_0000);
      return { type, flags: random.below(256), ext, stream: random.u32(), payload };
    });
    const message = encodeFrames(frames);
    const inside = new Uint8Array(message.byteLength + 9);
    inside.set(message, 5);
    const found = decodeFrames(inside.subarray(5, 5 + message.byteLength));
    expect(found).toEqual({ ok: true, value: frames });
  }
});

test("an empty message holds no frames", () => {
  expect(decodeFrames(new Uint8Array(0))).toEqual({ ok: true, value: [] });
});

test("a batch that is cut short anywhere but between frames is refused whole", () => {
  const message = encodeFrames([
    frame(FrameType.data, 1, Uint8Array.of(1, 2, 3)),
    frame(FrameType.stop, 1),
  ]);
  const whole = new Set([0, HEADER_BYTES + 3, message.byteLength]);
  for (let length = 0; length <= message.byteLength; length += 1) {
    expect(decodeFrames(message.subarray(0, length)).ok).toBe(whole.has(length));
  }
});

test.each(TYPES)("type %i holds a payload of its limit and not a byte more", (type) => {
  const most = mostBytes(type);
  expect(decodeFrames(encodeFrames([frame(type, 1, new Uint8Array(most))])).ok).toBe(true);
  expect(decodeFrames(encodeFrames([frame(type, 1, new Uint8Array(most + 1))]))).toEqual({
    ok: false,
    error: { reason: "length", at: 0, length: most + 1 },
  });
});

/** A message of one frame that may be skipped. */
function skipped(bytes: number) {
  const message = new Uint8Array(bytes);
  new DataView(message.buffer).setUint32(8, bytes - HEADER_BYTES);
  return decodeFrames(message);
}

test("a message of exactly the limit is read, one byte more is not", () => {
  expect(skipped(LIMITS.maxMessageBytes)).toEqual({ ok: true, value: [] });
  expect(skipped(LIMITS.maxMessageBytes + 1)).toEqual({
    ok: false,
    error: { reason: "too_long", bytes: LIMITS.maxMessageBytes + 1 },
  });
});

const zeros = Array.from({ length: 11 }, () => 0);
test.each([
  ["half a header", [0x85], { reason: "cut_short", at: 0 }],
  ["a length of 4 GiB", [0x85, ...zeros.slice(4), 255, 255, 255, 255], undefined],
  [
    "one byte less than promised",
    [0x85, ...zeros.slice(1), 1],
    { reason: "length", at: 0, length: 1 },
  ],
  [
    "an unknown type that matters",
    [0xff, ...zeros],
    { reason: "unknown_type", type: 255, stream: 0 },
  ],
  ["a type kept for later", [0x8e, ...zeros], { reason: "unknown_type", type: 0x8e, stream: 0 }],
])("%s is refused", (_name, bytes, error) => {
  const found = decodeFrames(Uint8Array.from(bytes));
  expect(found.ok).toBe(false);
  if (!found.ok && error !== undefined) expect(found.error).toEqual(error);
});

test("an unknown type that does not matter is left out, its neighbours are not", () => {
  const known = frame(FrameType.stop, 3);
  const message = encodeFrames([known, frame(FrameType.ping, 0, Uint8Array.of(1)), known]);
  message[HEADER_BYTES] = 0x7f;
  expect(decodeFrames(message)).toEqual({ ok: true, value: [known, known] });
});

test.each([0, 1, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER])(
  "the offset %i comes back as it was",
  (offset) => {
    expect(decodeOffset(encodeOffset(offset))).toBe(offset);
  },
);

test.each([
  ["nothing", []],
  ["seven bytes", [0, 0, 0, 0, 0, 0, 0]],
  ["nine bytes", [0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ["2^53", [0, 0x20, 0, 0, 0, 0, 0, 0]],
  ["2^64 - 1", [255, 255, 255, 255, 255, 255, 255, 255]],
])("%s is no offset", (_name, bytes) => {
  expect(decodeOffset(Uint8Array.from(bytes))).toBeUndefined();
});

test.each([0, 1, 0xffff_ffff])("the count %i comes back as it was", (count) => {
  expect(decodeU32(encodeU32(count))).toBe(count);
});

test("three bytes are no count", () => {
  expect(decodeU32(new Uint8Array(3))).toBeUndefined();
});
