import { expect, test } from "vitest";
import { isUntrustedProxy, requestHeaders, responseHeaders } from "./heads.ts";
import { parseTrustedProxies } from "./trusted-proxies.ts";

const parsed = parseTrustedProxies("10.0.0.1");
if (!parsed.ok) throw new Error(parsed.error);
const trusted = parsed.value;

const stranger = { peer: "::ffff:192.0.2.1", secure: true };
const proxy = { peer: "10.0.0.1", secure: false };

test("what a client says of itself in Cloudflare's name is taken away, and said by us", () => {
  const raw = [
    "Host",
    "edge.test",
    "cf-connecting-ip",
    "1.1.1.1",
    "CF-IPCountry",
    "XX",
    "CF-Ray",
    "1",
  ];
  expect(requestHeaders(raw, stranger, trusted)).toEqual([
    "Host",
    "edge.test",
    "CF-Connecting-IP",
    "192.0.2.1",
    "X-Forwarded-Proto",
    "https",
  ]);
});

test.each([
  ["a trusted proxy's scheme is believed", proxy, "https", "https"],
  ["whatever its case", proxy, "HTTPS", "https"],
  ["the nearest one's, of several", proxy, "http, https", "https"],
  ["but no scheme that is none", proxy, "gopher", "http"],
  ["a stranger's is not", stranger, "http", "https"],
])("%s", (_name, arrival, said, scheme) => {
  const headers = requestHeaders(["X-Forwarded-Proto", said], arrival, trusted);
  expect(headers.filter((name) => name === "X-Forwarded-Proto")).toHaveLength(1);
  expect(headers.at(-1)).toBe(scheme);
});

test("a connection that names no peer is nobody's", () => {
  const headers = requestHeaders([], { peer: undefined, secure: false }, trusted);
  expect(headers).toEqual(["CF-Connecting-IP", "0.0.0.0", "X-Forwarded-Proto", "http"]);
});

test("headers of the connection stay on it, also those that Connection names", () => {
  const raw = ["Connection", "close, X-Mine", "X-Mine", "1", "Keep-Alive", "5", "TE", "trailers"];
  const kept = ["Transfer-Encoding", "chunked", "X-Other", "2", "x-other", "3"];
  const headers = requestHeaders([...raw, ...kept, "Expect", "100-continue"], stranger, trusted);
  expect(headers.slice(0, -4)).toEqual(kept);
});

test("an answer keeps its headers, their order and duplicates, but not its framing", () => {
  const raw = ["Set-Cookie", "a=1", "Content-Length", "3", "Set-Cookie", "b=2"];
  const own = ["Transfer-Encoding", "chunked", "Connection", "close"];
  expect(responseHeaders([...raw, ...own])).toEqual(raw);
});

test.each([
  ["a stranger that forwards", ["X-Forwarded-For", "1.1.1.1"], "192.0.2.1", true],
  ["a trusted proxy", ["X-Forwarded-For", "1.1.1.1"], "10.0.0.1", false],
  ["a client of our own", ["Accept", "*/*"], "192.0.2.1", false],
])("%s: worth a warning: %s", (_name, raw, peer, expected) => {
  expect(isUntrustedProxy(raw, peer, trusted)).toBe(expected);
});
