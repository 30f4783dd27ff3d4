import { expect, test } from "vitest";
import { KeyTable, keysOf, packKeys, unpackKeys } from "./key-table.ts";

test("the key of an id is the beginning of its SHA-256", async () => {
  // FIPS 180-4, examples of SHA-256.
  const long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  expect(await keysOf(["abc", "", long])).toEqual([
    0xba7816bf8f01cfean,
    0xe3b0c44298fc1c14n,
    0x248d6a61d20638b8n,
  ]);
});

test("keys come back as they were packed", () => {
  const keys = [0n, 1n, 2n ** 64n - 1n, 0x0123456789abcdefn];
  expect(unpackKeys(packKeys(keys))).toEqual(keys);
  expect(unpackKeys(packKeys(keys).subarray(0, 15))).toEqual([0n]);
});

test("a table knows what was added to it, and nothing else, however many there are", async () => {
  const ids = Array.from({ length: 20_000 }, (_v, index) => `github:${index}`);
  const keys = await keysOf(ids);
  const table = new KeyTable();
  for (const key of keys.slice(0, 10_000)) table.add(key);
  for (const key of keys.slice(0, 10_000)) table.add(key);
  expect(table.size).toBe(10_000);
  expect(keys.map((key) => table.has(key))).toEqual(keys.map((_key, index) => index < 10_000));
});

test("keys that begin or end alike are told apart", () => {
  const alike = Array.from({ length: 2_000 }, (_v, index) => (BigInt(index + 1) << 32n) | 7n);
  const zeroes = [0n, 5n, 1n << 32n];
  const table = new KeyTable();
  for (const key of [...alike.slice(0, 1_000), 0n]) table.add(key);
  expect(alike.filter((key) => table.has(key))).toHaveLength(1_000);
  // One in 2^32 of all keys is taken for another with the same second half.
  expect(zeroes.map((key) => table.has(key))).toEqual([true, false, true]);
});
