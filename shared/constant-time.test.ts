import { expect, test } from "vitest";
import { utf8 } from "./bytes.ts";
import { bytesMatch, digestOf, secretsMatch } from "./constant-time.ts";

// Source: FIPS 180-4 examples of SHA-256, here as URL-safe base64.
test.each([
  ["", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"],
  ["abc", "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"],
])("the digest of %j is %s", async (text, digest) => {
  expect(await digestOf(text)).toBe(digest);
});

test.each([
  ["token", "token", true],
  ["token", "Token", false],
  ["token", "token ", false],
  ["token", "toke", false],
  ["", "token", false],
  ["", "", true],
  ["Zürich", "Zu\u0308rich", false],
])("%j against %j: %s", async (given, expected, same) => {
  expect(await secretsMatch(given, expected)).toBe(same);
});

test("bytes match when every byte and the length do", () => {
  const bytes = utf8("0123456789");
  expect(bytesMatch(bytes, utf8("0123456789"))).toBe(true);
  for (let index = 0; index < bytes.length; index += 1) {
    const other = Uint8Array.from(bytes);
    other[index] = (other[index] ?? 0) ^ 1;
    expect(bytesMatch(bytes, other), `byte ${index}`).toBe(false);
  }
  expect(bytesMatch(bytes, bytes.subarray(0, 9))).toBe(false);
  expect(bytesMatch(bytes.subarray(0, 9), bytes)).toBe(false);
});

test("missing bytes are not taken for zeros", () => {
  expect(bytesMatch(new Uint8Array([1]), new Uint8Array([1, 0]))).toBe(false);
  expect(bytesMatch(new Uint8Array([1, 0]), new Uint8Array([1]))).toBe(false);
});
