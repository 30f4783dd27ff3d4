import { expect, test } from "vitest";
import { Random } from "../../test/support/random.ts";
import {
  closePayload,
  decodeRecord,
  encodeRecord,
  fullNumber,
  rangesPayload,
  readClose,
  readRanges,
  RecordType,
} from "./record.ts";

test("a record has the layout of the protocol", () => {
  const payload = new Uint8Array([0xaa, 0xbb]);
  const bytes = encodeRecord({ type: RecordType.binary, number: 1, received: 258, payload });
  expect([...bytes]).toEqual([2, 0, 0, 0, 1, 0, 0, 1, 2, 0xaa, 0xbb]);
  const read = decodeRecord(bytes);
  expect(read.ok && { ...read.value, payload: [...read.value.payload] }).toEqual({
    type: RecordType.binary,
    number: 1,
    received: 258,
    payload: [0xaa, 0xbb],
  });
});

test.each([
  { name: "nothing", bytes: [], reason: "too_short" },
  { name: "a head cut short", bytes: [1, 0, 0, 0, 1, 0, 0, 0], reason: "too_short" },
  { name: "type 0", bytes: [0, 0, 0, 0, 1, 0, 0, 0, 0], reason: "unknown_type" },
  { name: "a type of a later version", bytes: [6, 0, 0, 0, 1, 0, 0, 0, 0], reason: "unknown_type" },
])("$name is no record", ({ bytes, reason }) => {
  expect(decodeRecord(new Uint8Array(bytes))).toEqual({ ok: false, error: { reason } });
});

test.each([
  { wire: 5, known: 3, full: 5 },
  { wire: 0, known: 2 ** 32 - 1, full: 2 ** 32 },
  { wire: 2 ** 32 - 1, known: 2 ** 32, full: 2 ** 32 - 1 },
  { wire: 1, known: 7 * 2 ** 32, full: 7 * 2 ** 32 + 1 },
])(
  "of a number only the lower half crosses: $wire near $known is $full",
  ({ wire, known, full }) => {
    expect(fullNumber(wire, known)).toBe(full);
    expect(full >>> 0).toBe(wire);
  },
);

test.each([
  { name: "an ordinary one", code: 4321, reason: "grüße", read: { code: 4321, reason: "grüße" } },
  { name: "none", code: 1005, reason: "", read: { code: 1005, reason: "" } },
  { name: "one that may not be said", code: 1006, reason: "", read: { code: 1011, reason: "" } },
  {
    name: "a reason too long",
    code: 1000,
    reason: "é".repeat(100),
    read: { code: 1000, reason: "é".repeat(61) },
  },
])("a close code and its reason arrive: $name", ({ code, reason, read }) => {
  expect(readClose(closePayload(code, reason))).toEqual({ ok: true, value: read });
});

test("half a close code is none", () => {
  expect(readClose(new Uint8Array(1)).ok).toBe(false);
});

test("ranges arrive, whatever the upper half of their numbers", () => {
  const ranges = [
    { from: 2 ** 32 - 2, to: 2 ** 32 + 3 },
    { from: 2 ** 32 + 9, to: 2 ** 32 + 9 },
  ];
  expect(readRanges(rangesPayload(ranges), 2 ** 32)).toEqual({ ok: true, value: ranges });
  expect(readRanges(new Uint8Array(12), 0).ok).toBe(false);
  expect(readRanges(new Uint8Array(8 * 1_025), 0).ok).toBe(false);
});

test("no bytes make the decoder throw, and what it takes is written the same", () => {
  const random = new Random(7);
  for (let count = 0; count < 5_000; count += 1) {
    const bytes = random.bytes(random.size(40));
    if (bytes.length > 0) bytes[0] = random.below(8);
    const read = decodeRecord(bytes);
    if (read.ok) expect([...encodeRecord(read.value)]).toEqual([...bytes]);
    readClose(bytes);
    readRanges(bytes, random.u32());
  }
});
