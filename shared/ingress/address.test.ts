import { expect, test } from "vitest";
import { toHex } from "../bytes.ts";
import { isWithin, parseAddress, parseBlock } from "./address.ts";

function hex(text: string): string | undefined {
  const address = parseAddress(text);
  return address === undefined ? undefined : toHex(address);
}

test.each([
  ["0.0.0.0", "00000000000000000000ffff00000000"],
  ["192.0.2.255", "00000000000000000000ffffc00002ff"],
  ["::ffff:192.0.2.255", "00000000000000000000ffffc00002ff"],
  ["::FFFF:c000:2ff", "00000000000000000000ffffc00002ff"],
  ["::", "0".repeat(32)],
  ["::1", "0".repeat(31) + "1"],
  ["1::", "0001" + "0".repeat(28)],
  ["2001:db8::8a2e:370:7334", "20010db80000000000008a2e03707334"],
  ["2001:0DB8:0:0:0:8a2e:370:7334", "20010db80000000000008a2e03707334"],
  ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
  ["fe80::1%eth0", "fe80" + "0".repeat(27) + "1"],
  ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221"],
])("%s is read", (text, bytes) => {
  expect(hex(text)).toBe(bytes);
});

test.each([
  ["empty", ""],
  ["a word", "unknown"],
  ["a name", "example.com"],
  ["too few octets", "192.0.2"],
  ["too many octets", "192.0.2.1.1"],
  ["an octet too large", "192.0.2.256"],
  ["an octet in octal, or not", "192.0.2.010"],
  ["an octet that is not there", "192.0..1"],
  ["a sign", "192.0.2.-1"],
  ["spaces", " 192.0.2.1"],
  ["a port", "192.0.2.1:80"],
  ["brackets", "[::1]"],
  ["three colons", "1:::2"],
  ["two gaps", "1::2::3"],
  ["a gap for nothing", "1:2:3:4::5:6:7:8"],
  ["too few groups", "1:2:3:4:5:6:7"],
  ["too many groups", "1:2:3:4:5:6:7:8:9"],
  ["a group too long", "12345::"],
  ["a group of no digits", "g::"],
  ["IPv4 within IPv6, but not at its end", "::192.0.2.1:1"],
  ["IPv4 with a zone", "192.0.2.1%eth0"],
  ["a zone without a name", "fe80::1%"],
  ["a block", "192.0.2.0/24"],
])("%s is no address", (_name, text) => {
  expect(hex(text)).toBeUndefined();
});

test.each([
  ["a length too long for IPv4", "10.0.0.0/33"],
  ["a length too long for IPv6", "::/129"],
  ["no length", "10.0.0.0/"],
  ["a length with a sign", "10.0.0.0/-1"],
  ["a half length", "10.0.0.0/1.5"],
  ["two lengths", "10.0.0.0/8/8"],
  ["a mask", "10.0.0.0/255.0.0.0"],
  ["a zone", "fe80::%eth0/64"],
])("%s makes no block", (_name, text) => {
  expect(parseBlock(text)).toBeUndefined();
});

test.each([
  ["149.154.160.0/20", "149.154.167.220", true],
  ["149.154.160.0/20", "149.154.176.0", false],
  ["149.154.160.0/20", "::ffff:149.154.167.220", true],
  ["::ffff:149.154.160.0/116", "149.154.167.220", true],
  ["10.1.2.3", "10.1.2.3", true],
  ["10.1.2.3", "10.1.2.4", false],
  ["10.1.2.3/8", "10.255.255.255", true],
  ["0.0.0.0/0", "255.255.255.255", true],
  ["0.0.0.0/0", "::1", false],
  ["::/0", "1.2.3.4", true],
  ["2001:db8::/33", "2001:db8:7fff::1", true],
  ["2001:db8::/33", "2001:db8:8000::1", false],
  ["fe80::/10", "fe80::1%eth0", true],
  ["::1", "::1", true],
  // The deprecated IPv4-compatible form is not the mapped one.
  ["1.2.3.4", "::1.2.3.4", false],
])("in %s: %s is %s", (block, text, expected) => {
  const [parsed, address] = [parseBlock(block), parseAddress(text)];
  if (parsed === undefined || address === undefined) throw new Error("not read");
  expect(isWithin(address, parsed)).toBe(expected);
});
