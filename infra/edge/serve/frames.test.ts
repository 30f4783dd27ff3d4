import { expect, test } from "vitest";
import { FrameFollower, closeFrame } from "./frames.ts";

function frame(opcode: number, length: number, masked = false): Buffer {
  const mask = masked ? 0x80 : 0;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = mask | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  // 0x88 looks like a close frame to whoever reads payloads.
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0), Buffer.alloc(length, 0x88)]);
}

test.each([
  ["an empty one", frame(1, 0)],
  ["a short one", frame(1, 125)],
  ["one with two bytes of length", frame(2, 126)],
  ["one with eight bytes of length", frame(2, 70_000)],
  ["one that is masked", frame(1, 5, true)],
  ["several", Buffer.concat([frame(1, 3), frame(9, 0), frame(0, 200)])],
])("a frame of ours may stand behind whole frames alone: %s", (_name, bytes) => {
  const follower = new FrameFollower();
  expect(follower.mayClose).toBe(true);
  const ends: number[] = [];
  for (const [index, byte] of bytes.entries()) {
    follower.push(Uint8Array.of(byte));
    if (follower.mayClose) ends.push(index + 1);
  }
  expect(ends.at(-1)).toBe(bytes.length);
  const atOnce = new FrameFollower();
  atOnce.push(bytes.subarray(0, -1));
  expect(atOnce.mayClose).toBe(bytes.length === 2 ? false : ends.includes(bytes.length - 1));
  atOnce.push(bytes.subarray(-1));
  expect(atOnce.mayClose).toBe(true);
});

test("after a close frame there is nothing more to say", () => {
  const follower = new FrameFollower();
  follower.push(closeFrame(1000, ""));
  expect(follower.mayClose).toBe(false);
  follower.push(frame(1, 1));
  expect(follower.mayClose).toBe(false);
});

test("a close frame carries code and reason", () => {
  expect(closeFrame(1012, "bye")).toEqual(Buffer.from([0x88, 5, 0x03, 0xf4, 0x62, 0x79, 0x65]));
});
