import { expect, test } from "vitest";
import { isLoopbackAddress, isNetwork, networkSet } from "./networks.ts";

test.each([
  ["10.0.0.1", true],
  ["10.0.0.0/8", true],
  ["fd00::/8", true],
  ["::1", true],
  ["0.0.0.0/0", true],
  ["10.0.0.0/33", false],
  ["10.0.0.0/", false],
  ["10.0.0.0/8/8", false],
  ["10.0.0.0/-1", false],
  ["10.1", false],
  ["fd00::/129", false],
  ["example.com", false],
  ["*", false],
  ["", false],
])("%j names a network: %s", (text, expected) => {
  expect(isNetwork(text)).toBe(expected);
});

test.each([
  ["10.9.8.7", true],
  ["::ffff:10.9.8.7", true],
  ["11.0.0.1", false],
  ["2001:db8::5", true],
  ["2001:DB8:0:0::5", true],
  ["2001:db9::5", false],
  ["[2001:db8::5]", true],
  ["10.9.8.7.evil", false],
  ["", false],
])("%j is in the set: %s", (address, expected) => {
  expect(networkSet(["10.0.0.0/8", "2001:db8::/32"])(address)).toBe(expected);
});

test("an empty set and one of nonsense hold nobody", () => {
  expect(networkSet([])("10.0.0.1")).toBe(false);
  expect(networkSet(["everybody"])("10.0.0.1")).toBe(false);
});

test.each([
  ["127.0.0.1", true],
  ["127.255.0.9", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["128.0.0.1", false],
  ["127.evil", false],
  ["localhost", false],
])("%s as an address of this machine alone: %s", (address, expected) => {
  expect(isLoopbackAddress(address)).toBe(expected);
});
