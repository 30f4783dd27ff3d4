import { expect, test } from "vitest";
import {
  concat,
  fromBase64Url,
  fromHex,
  fromUtf8,
  randomToken,
  toBase64Url,
  toHex,
  utf8,
} from "./bytes.ts";

// Source: RFC 4648 section 10, without the padding; the last row needs both URL-safe characters.
test.each([
  ["", ""],
  ["66", "Zg"],
  ["666f", "Zm8"],
  ["666f6f", "Zm9v"],
  ["666f6f62", "Zm9vYg"],
  ["666f6f6261", "Zm9vYmE"],
  ["666f6f626172", "Zm9vYmFy"],
  ["fbff", "-_8"],
])("the bytes %s are %s in base64, and back", (hex, text) => {
  const bytes = fromHex(hex) ?? new Uint8Array([1, 2, 3]);
  expect(toBase64Url(bytes)).toBe(text);
  expect(fromBase64Url(text)).toEqual(bytes);
});

test.each(["A", "Zg==", "Zm+v", "Zm/v", "Zm9v\n", " Zm9v", "Zh", "Zm9", "Zm9vYmF", "é"])(
  "%j is not what we write as base64",
  (text) => {
    expect(fromBase64Url(text)).toBeUndefined();
  },
);

test("every byte survives hexadecimal and base64", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  expect(fromHex(toHex(bytes))).toEqual(bytes);
  expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
  expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
});

test.each(["0", "0g", "0x00", "00 ", "-1", "é0"])("%j is not hexadecimal", (text) => {
  expect(fromHex(text)).toBeUndefined();
});

test("text survives UTF-8, and a byte order mark is part of it", () => {
  for (const text of ["", "plain", "Zürich 🏰", "\uFEFFmarked", "null \u0000"]) {
    expect(fromUtf8(utf8(text))).toBe(text);
  }
});

test.each([
  ["a lone continuation", [0x80], "\uFFFD"],
  ["a sequence cut short", [0xe2, 0x82], "\uFFFD"],
  ["an overlong slash", [0xc0, 0xaf], "\uFFFD\uFFFD"],
  ["a surrogate", [0xed, 0xa0, 0x80], "\uFFFD\uFFFD\uFFFD"],
])("%s becomes the replacement character", (_name, bytes, text) => {
  expect(fromUtf8(new Uint8Array(bytes))).toBe(text);
});

test("parts are joined in order, empty ones too", () => {
  expect(concat([])).toEqual(new Uint8Array(0));
  expect(concat([utf8("a"), new Uint8Array(0), utf8("bc")])).toEqual(utf8("abc"));
});

test("a joined copy is independent of its parts", () => {
  const part = utf8("a");
  const joined = concat([part]);
  part[0] = 0;
  expect(joined).toEqual(utf8("a"));
});

test("a random token has 256 bits and does not repeat", () => {
  expect(randomToken()).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(randomToken(16)).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(new Set(Array.from({ length: 100 }, () => randomToken())).size).toBe(100);
});
