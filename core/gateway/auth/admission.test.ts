import { expect, test } from "vitest";
import { LIMITS } from "../../../shared/limits.ts";
import { isLoopbackAddress } from "../../config/networks.ts";
import { type AdmissionRules, refusalOf, type RequestHead, withoutToken } from "./admission.ts";

const NAMES: AdmissionRules = {
  allowedHosts: new Set(["gateway.example"]),
  allowedOrigins: new Set(["https://panel.example", "chrome-extension://abcdef"]),
};

function head(changes: Partial<RequestHead> = {}): RequestHead {
  return {
    method: "POST",
    target: "/v1/chat/completions",
    rawHeaders: ["Host", "127.0.0.1:18789"],
    host: "127.0.0.1:18789",
    origin: undefined,
    upgrade: false,
    isDirect: true,
    ...changes,
  };
}

test.each<[string, Partial<RequestHead>]>([
  ["an IPv4 address", { host: "127.0.0.1:18789" }],
  ["an IPv6 address", { host: "[::1]:18789" }],
  ["an address of the local network", { host: "192.168.1.20" }],
  ["localhost", { host: "LOCALHOST:18789" }],
  ["a name below localhost", { host: "edge.localhost:18789" }],
  ["the single label of a container network", { host: "core:18789" }],
  ["a configured name", { host: "gateway.example" }],
])("%s may be the host", (_name, changes) => {
  expect(refusalOf(head(changes), NAMES)).toBeUndefined();
});

test.each<[string, Partial<RequestHead>]>([
  ["a page served by us", { origin: "http://127.0.0.1:18789" }],
  ["a page of another port of this machine", { origin: "http://localhost:3000" }],
  ["a page on the IPv6 loopback", { origin: "http://[::1]:5173" }],
  ["a configured site", { origin: "https://gateway.example" }],
  ["a page that is allowed by its origin", { origin: "https://panel.example", upgrade: true }],
  ["an extension that is allowed", { origin: "chrome-extension://ABCDEF" }],
  ["a foreign page that only reads", { origin: "https://evil.example", method: "GET" }],
])("%s may call", (_name, changes) => {
  expect(refusalOf(head(changes), NAMES)).toBeUndefined();
});

test.each<[string, Partial<RequestHead>, string]>([
  ["a rebound name", { host: "evil.example:18789" }, "forbidden"],
  ["a name that only ends like ours", { host: "127.0.0.1.evil.example" }, "forbidden"],
  ["a name that ends in a configured one", { host: "x.gateway.example" }, "forbidden"],
  ["no host", { host: undefined }, "invalid_request"],
  ["two hosts", { rawHeaders: ["Host", "localhost", "host", "evil.example"] }, "invalid_request"],
  ["a host with a path in it", { host: "localhost/@evil" }, "invalid_request"],
  ["a host with user info", { host: "localhost@evil.example" }, "invalid_request"],
  ["a foreign page that writes", { origin: "https://evil.example" }, "forbidden"],
  ["a sandboxed page that writes", { origin: "null" }, "forbidden"],
  ["a local file that writes", { origin: "file://" }, "forbidden"],
  [
    "a page on a name like a loopback address",
    { origin: "http://127.0.0.1.evil.example" },
    "forbidden",
  ],
  [
    "a foreign page that opens a WebSocket",
    { origin: "https://evil.example", method: "GET", upgrade: true },
    "forbidden",
  ],
  [
    "a page of the caller's machine, where that is not ours",
    { origin: "http://localhost:3000", host: "192.168.1.20", isDirect: false },
    "forbidden",
  ],
  ["an extension nobody has named", { origin: "chrome-extension://evil" }, "forbidden"],
  ["a token under an encoded name", { target: "/a?%74oken=x" }, "invalid_request"],
  ["a token in the URL", { target: "/health?token=x" }, "invalid_request"],
  ["a password behind another parameter", { target: "/a?b=1&Password=x" }, "invalid_request"],
  ["an absolute target", { target: "http://evil.example/" }, "invalid_request"],
  ["a target without a path", { target: "*" }, "invalid_request"],
  ["a URL one byte too long", { target: `/${"a".repeat(LIMITS.maxUrlBytes)}` }, "uri_too_long"],
  [
    "headers one byte too long",
    { rawHeaders: ["a", "b".repeat(LIMITS.maxRequestHeaderBytes)] },
    "headers_too_large",
  ],
])("%s is refused", (_name, changes, code) => {
  expect(refusalOf(head(changes), NAMES)?.code).toBe(code);
});

test("a token leaves the URL before anything sees it, and the rest of the query stays", () => {
  const { target, token } = withoutToken("/gateway?a=1&token=s3cret%20x&b=2");
  expect(target).toBe("/gateway?a=1&b=2");
  expect(token?.reveal()).toBe("s3cret x");
  expect(withoutToken("/?token=x").target).toBe("/");
  expect(withoutToken("/a?b=1")).toEqual({ target: "/a?b=1", token: undefined });
});

test.each([
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["::1", true],
  ["[::1]", true],
  ["::ffff:127.0.0.1", true],
  ["10.0.0.1", false],
  ["127.evil", false],
  ["::2", false],
  ["", false],
])("%s as a loopback address: %s", (address, expected) => {
  expect(isLoopbackAddress(address)).toBe(expected);
});
