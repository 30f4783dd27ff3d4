import { expect, test } from "vitest";
import { Secret } from "../../shared/secret.ts";
import { type HeaderSettings, upstreamHeaders } from "./request-headers.ts";

const ID = "0b7a4c1e-52d3-4f6a-9a3e-1c2d3e4f5a6b";

function headersFor(
  given: Record<string, string>,
  change: Partial<HeaderSettings> = {},
  ip = "203.0.113.7",
): Record<string, string> {
  return upstreamHeaders(
    {
      url: new URL("https://edge.example/v1/models?all=1"),
      headers: new Headers(given),
      caller: { ip, requestId: ID },
    },
    {
      url: new URL("http://127.0.0.1:18789"),
      token: undefined,
      preserveHost: false,
      trustForwarded: false,
      ...change,
    },
  );
}

test("a request goes on with its own headers, the upstream's host and a trace", () => {
  expect(headersFor({ accept: "*/*", cookie: "a=1; b=2", origin: "https://edge.example" })).toEqual(
    {
      accept: "*/*",
      cookie: "a=1; b=2",
      origin: "https://edge.example",
      host: "127.0.0.1:18789",
      "x-request-id": ID,
      traceparent: "00-0b7a4c1e52d34f6a9a3e1c2d3e4f5a6b-9a3e1c2d3e4f5a6b-01",
    },
  );
});

test.each([
  ["of one hop", { connection: "close", te: "trailers", "keep-alive": "timeout=5" }],
  ["of the upgrade", { upgrade: "websocket", "sec-websocket-key": "x" }],
  ["that claim an address", { "x-forwarded-for": "::1", forwarded: "for=::1", "x-real-ip": "::1" }],
  ["of the edge's platform", { "cf-connecting-ip": "::1", "x-gw-subject": "owner" }],
  ["that hold the edge's credential", { authorization: "Bearer edge" }],
  ["that ask for an interim answer", { expect: "100-continue" }],
])("headers %s stay behind", (_name, given: Record<string, string>) => {
  expect(Object.keys(headersFor(given)).toSorted()).toEqual([
    "host",
    "traceparent",
    "x-request-id",
  ]);
});

test("the upstream's token takes the place of the client's", () => {
  const sent = headersFor({ authorization: "Bearer edge" }, { token: new Secret("of-upstream") });
  expect(sent["authorization"]).toBe("Bearer of-upstream");
});

test("a client's own trace goes on, a malformed one does not", () => {
  const own = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
  expect(headersFor({ traceparent: own })["traceparent"]).toBe(own);
  expect(headersFor({ traceparent: "00-zz" })["traceparent"]).not.toBe("00-zz");
});

test("an upstream that trusts us learns who asks, and under which name", () => {
  expect(headersFor({}, { trustForwarded: true, preserveHost: true })).toMatchObject({
    host: "edge.example",
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "edge.example",
    "x-real-ip": "203.0.113.7",
    forwarded: 'for=203.0.113.7;host="edge.example";proto=https',
  });
  const six = headersFor({}, { trustForwarded: true }, "2001:db8::1");
  expect(six["forwarded"]).toContain('for="[2001:db8::1]"');
});
