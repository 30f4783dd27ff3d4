import { expect, test } from "vitest";
import { clientAddress, parseTrustedProxies, plainAddress } from "./trusted-proxies.ts";

function trusted(list: string) {
  const parsed = parseTrustedProxies(list);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

test.each([
  ["nobody is trusted unless told", "", "10.0.0.1", "192.0.2.9", "10.0.0.1"],
  ["a trusted proxy is believed", "10.0.0.1", "10.0.0.1", "192.0.2.9", "192.0.2.9"],
  ["a network is trusted whole", "10.0.0.0/8", "10.9.8.7", "192.0.2.9", "192.0.2.9"],
  ["an IPv6 network too", "2001:db8::/32", "2001:db8::1", "2001:db8:1::9", "2001:db8:1::9"],
  ["loopback means both families", "loopback", "::1", "192.0.2.9", "192.0.2.9"],
  ["a stranger's word is not taken", "10.0.0.0/8", "192.0.2.1", "192.0.2.9", "192.0.2.1"],
  [
    "what a client has written comes before",
    "10.0.0.1",
    "10.0.0.1",
    "1.1.1.1, 192.0.2.9",
    "192.0.2.9",
  ],
  ["a chain of ours is walked", "10.0.0.0/8", "10.0.0.1", "192.0.2.9, 10.0.0.2", "192.0.2.9"],
  ["all of them ours", "10.0.0.0/8", "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"],
  ["no header at all", "10.0.0.1", "10.0.0.1", "", "10.0.0.1"],
  ["nonsense ends the walk", "10.0.0.1", "10.0.0.1", "unknown", "10.0.0.1"],
  ["a port is cut off", "10.0.0.1", "10.0.0.1", "192.0.2.9:4711", "192.0.2.9"],
  ["and from an IPv6 address", "10.0.0.1", "10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"],
])("the client's address: %s", (_name, list, peer, forwardedFor, client) => {
  expect(clientAddress(peer, forwardedFor, trusted(list))).toBe(client);
});

test.each(["everyone", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.1/8/8", "1.2.3"])(
  "%s is refused by name",
  (entry) => {
    expect(parseTrustedProxies(`10.0.0.1, ${entry}`)).toEqual({ ok: false, error: entry });
  },
);

test.each([
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["fe80::1%eth0", "fe80::1"],
  ["2001:db8::1", "2001:db8::1"],
  ["", undefined],
  ["localhost", undefined],
])("%s is written as %s", (given, plain) => {
  expect(plainAddress(given)).toBe(plain);
});
