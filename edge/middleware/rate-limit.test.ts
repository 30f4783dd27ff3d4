import { expect, test } from "vitest";
import { rateKey } from "./rate-limit.ts";

test.each([
  ["an IPv4 address", "192.0.2.7", "192.0.2.7"],
  ["an IPv4 address in IPv6 dress", "::ffff:192.0.2.7", "::ffff:192.0.2.7"],
  ["a full IPv6 address", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["one with zeros left out behind the network", "2001:db8:1:2::6", "2001:db8:1:2"],
  ["one with zeros left out within the network", "2001:db8::6", "2001:db8:0:0"],
  ["one with leading zeros", "2001:0db8:0001:0002::1", "2001:db8:1:2"],
  ["loopback", "::1", "0:0:0:0"],
  ["no address at all", "unknown", "unknown"],
])("%s is limited by its own network", (_name, ip, key) => {
  expect(rateKey(ip)).toBe(key);
});
