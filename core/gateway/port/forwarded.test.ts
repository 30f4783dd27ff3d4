import { expect, test } from "vitest";
import { networkSet } from "../../config/networks.ts";
import { attributionOf } from "./forwarded.ts";

const trusts = networkSet(["10.0.0.0/8", "fd00::/8"]);
const RULES = { trusts, allowRealIpFallback: false };
const PROXY = "10.0.0.1";

test.each<[string, string[], string]>([
  ["one hop", ["X-Forwarded-For", "203.0.113.5"], "203.0.113.5"],
  ["what the client says of itself", ["X-Forwarded-For", "1.1.1.1, 203.0.113.5"], "203.0.113.5"],
  ["two proxies of ours", ["X-Forwarded-For", "203.0.113.5, 10.0.0.7"], "203.0.113.5"],
  ["only proxies of ours", ["X-Forwarded-For", "10.0.0.9, 10.0.0.7"], "10.0.0.9"],
  [
    "the header twice",
    ["X-Forwarded-For", "1.1.1.1", "x-forwarded-for", "203.0.113.5"],
    "203.0.113.5",
  ],
  ["a port", ["X-Forwarded-For", "203.0.113.5:4711"], "203.0.113.5"],
  ["IPv6", ["X-Forwarded-For", "[2001:db8::1]:4711"], "2001:db8::1"],
  ["IPv4 in IPv6", ["X-Forwarded-For", "::ffff:203.0.113.5"], "203.0.113.5"],
  [
    "the standard header",
    ["Forwarded", 'for=1.1.1.1, for="[2001:db8::1]:47";proto=https'],
    "2001:db8::1",
  ],
  ["both", ["Forwarded", "for=1.1.1.1", "X-Forwarded-For", "203.0.113.5"], "203.0.113.5"],
])("of a trusted proxy, %s", (_name, headers, ip) => {
  expect(attributionOf(headers, PROXY, RULES)).toEqual({
    ok: true,
    value: { ip, isProxied: true },
  });
});

test.each<[string, string[], string]>([
  ["an address nobody trusts", ["X-Forwarded-For", "203.0.113.5"], "192.0.2.1"],
  ["a name in the place of an address", ["X-Forwarded-For", "somebody"], PROXY],
  ["nothing", ["X-Forwarded-For", ""], PROXY],
  ["garbage behind a good address", ["X-Forwarded-For", "203.0.113.5, unknown"], PROXY],
  ["an obfuscated node", ["Forwarded", "for=_hidden"], PROXY],
  ["a header without an address", ["X-Forwarded-Proto", "https"], PROXY],
  ["another kind of header", ["X-Real-IP", "203.0.113.5"], PROXY],
])("%s is refused", (_name, headers, peer) => {
  expect(attributionOf(headers, peer, RULES)).toEqual({
    ok: false,
    error: headers[0]?.toLowerCase(),
  });
});

test("X-Real-IP counts where that was asked for, and only without a list", () => {
  const rules = { trusts, allowRealIpFallback: true };
  const real = ["X-Real-IP", "203.0.113.5"];
  expect(attributionOf(real, PROXY, rules)).toMatchObject({ value: { ip: "203.0.113.5" } });
  const both = [...real, "X-Forwarded-For", "203.0.113.6"];
  expect(attributionOf(both, PROXY, rules)).toMatchObject({ value: { ip: "203.0.113.6" } });
});

test("without such headers the peer is the client, a proxy's address too", () => {
  const headers = ["X-Note", "X-Forwarded-For", "Host", "x"];
  for (const ip of [PROXY, "192.0.2.1"]) {
    expect(attributionOf(headers, ip, RULES)).toEqual({
      ok: true,
      value: { ip, isProxied: false },
    });
  }
});
