import { expect, test } from "vitest";
import { Random } from "../../test/support/random.ts";
import { LIMITS } from "../limits.ts";
import { decodeFields, encodeFields, type Fields, fieldOf } from "./fields.ts";

function encoded(fields: Fields): Uint8Array {
  const block = encodeFields(fields);
  if (!block.ok) throw new Error(block.error.reason);
  return block.value;
}

/** Any text a header can hold: U+0001 to U+00FF but the line breaks. */
function headerText(random: Random, length: number): string {
  const ascii = random.once(2);
  let text = "";
  for (let index = 0; index < length; index += 1) {
    const code = ascii ? random.between(0x20, 0x7e) : random.between(1, 0xff);
    text += code === 0x0a || code === 0x0d ? " " : String.fromCharCode(code);
  }
  return text;
}

test("a block is its count, its lengths and its text, as drawn in section 4", () => {
  expect([...encoded([["ab", "xyz"]])]).toEqual([
    0, 1, 0, 2, 0, 0, 0, 3, 0x61, 0x62, 0x78, 0x79, 0x7a,
  ]);
});

test.each<[string, Fields]>([
  ["no fields", []],
  ["an empty value", [["a", ""]]],
  ["an empty name", [["", "v"]]],
  [
    "duplicates, in order",
    [
      ["set-cookie", "a=1"],
      ["x", "y"],
      ["set-cookie", "b=2"],
    ],
  ],
  ["names in any case", [["X-Mixed-CASE", "v"]]],
  [
    "every byte of Latin-1 but NUL and line breaks",
    [["v", "\u0001\t\u007f\u0080\u009f\u00e9\u00ff"]],
  ],
  ["what looks like UTF-8", [["v", "\u00c3\u00a9"]]],
  ["what looks like a byte order mark", [["\u00ef\u00bb\u00bfa", "\u00ef\u00bb\u00bf"]]],
  ["the longest name", [["n".repeat(0xffff), "v"]]],
])("%s come back as they were", (_name, fields) => {
  expect(decodeFields(encoded(fields))).toEqual({ ok: true, value: fields });
});

test("random heads come back as they were, also from within a larger buffer", () => {
  const random = new Random(1);
  for (let round = 0; round < 500; round += 1) {
    const fields: Fields = Array.from({ length: random.size(40) }, () => [
      headerText(random, random.size(40)),
      headerText(random, random.size(500)),
    ]);
    const block = encoded(fields);
    const inside = new Uint8Array(block.byteLength + 7);
    inside.set(block, 3);
    const found = decodeFields(inside.subarray(3, 3 + block.byteLength));
    expect(found).toEqual({ ok: true, value: fields });
  }
});

const overhead = 2 + 6;

test("a head of exactly the limit is encoded, one byte more is not", () => {
  const fits = LIMITS.maxHeadBytes - overhead - 1;
  expect(encodeFields([["v", "x".repeat(fits)]]).ok).toBe(true);
  expect(encodeFields([["v", "x".repeat(fits + 1)]])).toEqual({
    ok: false,
    error: { reason: "too_long", bytes: LIMITS.maxHeadBytes + 1 },
  });
});

test("a name longer than its length field can say is refused, not cut", () => {
  expect(encodeFields([["n".repeat(0x1_0000), "v"]])).toMatchObject({
    ok: false,
    error: { reason: "too_long" },
  });
});

function badCharacter(name: string) {
  return { ok: false, error: { reason: "bad_character", name } };
}

test.each([
  ["a line feed", "a\nb"],
  ["a carriage return", "a\rb"],
  ["NUL", "a\u0000b"],
  ["a character beyond Latin-1", "\u0100"],
  ["an emoji", "😀"],
])("%s is refused in names and values, and its field is named", (_name, text) => {
  expect(
    encodeFields([
      ["fine", "v"],
      ["bad", text],
    ]),
  ).toEqual(badCharacter("bad"));
  expect(encodeFields([[text, "v"]])).toEqual(badCharacter(text));
});

test.each([
  ["a line feed", 0x0a],
  ["a carriage return", 0x0d],
  ["NUL", 0],
])("a peer that writes %s into a value is refused", (_name, byte) => {
  const block = encoded([["name", "value"]]);
  block[block.byteLength - 1] = byte;
  expect(decodeFields(block)).toEqual({
    ok: false,
    error: { reason: "bad_character", name: "name" },
  });
});

test("a block that is cut short anywhere is refused", () => {
  const block = encoded([
    ["name", "value"],
    ["other", "one"],
  ]);
  for (let length = 0; length < block.byteLength; length += 1) {
    expect(decodeFields(block.subarray(0, length))).toEqual({
      ok: false,
      error: { reason: "cut_short" },
    });
  }
});

test.each([
  ["more fields than there are", [0xff, 0xff]],
  ["a name that is too long", [0, 1, 0xff, 0xff, 0, 0, 0, 0, 0x61]],
  ["a value of 4 GiB", [0, 1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x61]],
])("%s are not believed", (_name, bytes) => {
  expect(decodeFields(Uint8Array.from(bytes))).toEqual({
    ok: false,
    error: { reason: "cut_short" },
  });
});

test("bytes that no length accounts for are refused", () => {
  const block = encoded([["name", "value"]]);
  const longer = new Uint8Array(block.byteLength + 1);
  longer.set(block);
  expect(decodeFields(longer)).toEqual({ ok: false, error: { reason: "left_over", bytes: 1 } });
});

test("the first of several values is the one that counts", () => {
  expect(
    fieldOf(
      [
        [":a", "1"],
        [":a", "2"],
      ],
      ":a",
    ),
  ).toBe("1");
  expect(fieldOf([[":a", "1"]], ":b")).toBeUndefined();
});
