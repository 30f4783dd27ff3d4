import { afterAll, beforeAll, expect, test } from "vitest";
import { LIMITS } from "../../shared/limits.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";

let edge: RunningEdge;

beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge[Symbol.asyncDispose]());

test.each<[string, string, RequestInit, number, string]>([
  ["a URL that is too long", `/v1/${"a".repeat(LIMITS.maxUrlBytes)}`, {}, 414, "uri_too_long"],
  [
    "one header that is too long",
    "/v1/models",
    { headers: { "X-Big": "a".repeat(LIMITS.maxRequestHeaderBytes) } },
    431,
    "headers_too_large",
  ],
  [
    "many headers that are too long together",
    "/v1/models",
    {
      headers: Object.fromEntries(
        Array.from({ length: 40 }, (_, index) => [`X-Part-${index}`, "a".repeat(1_000)]),
      ),
    },
    431,
    "headers_too_large",
  ],
  [
    "a body that is too long, told by its Content-Length",
    "/v1/chat/completions",
    { method: "POST", body: new Uint8Array(LIMITS.maxRequestBodyBytes + 1) },
    413,
    "too_large",
  ],
  [
    "a long body without a token",
    "/v1/chat/completions",
    { method: "POST", body: new Uint8Array(LIMITS.maxRequestBodyBytes) },
    401,
    "unauthenticated",
  ],
  [
    "a request that has come through three edges",
    "/v1/models",
    { headers: { Via: "1.1 sallyport, 1.1 proxy, 1.1 sallyport, 1.1 sallyport" } },
    508,
    "loop",
  ],
  ["a token in the URL", "/v1/models?token=abc", {}, 400, "invalid_request"],
  ["an access token in the URL", "/hooks/agent?a=1&access_token=abc", {}, 400, "invalid_request"],
])("%s is refused before anything looks at it", async (_name, path, init, status, code) => {
  const response = await callEdge(edge.url, path, init);
  expect(response.status).toBe(status);
  expect(response.headers.get("X-Gw-Error")).toBe(code);
  expect(await response.json()).toMatchObject({ code, hop: "edge", status });
});

test.each([
  ["two edges so far", "/v1/models", { Via: "1.1 sallyport, 1.1 sallyport" }],
  ["a proxy that is not ours", "/v1/models", { Via: "1.1 a, 1.1 b, 1.1 c, 1.1 d" }],
  ["a parameter that only ends like a token", "/v1/models?page_token=3", {}],
])("%s is no reason to refuse", async (_name, path, headers) => {
  expect((await callEdge(edge.url, path, { headers })).status).toBe(401);
});

test("a refusal says nothing of the token in the URL", async () => {
  const response = await callEdge(edge.url, "/v1/models?token=leaked-token");
  expect(await response.text()).not.toContain("leaked-token");
});

test.each([
  ["kept when it is harmless", "trace-0123.abc", /^trace-0123\.abc$/],
  ["replaced when it is not", '"}{<script>', /^[0-9a-f-]{36}$/],
])("the request id of the caller is %s", async (_name, id, expected) => {
  const response = await callEdge(edge.url, "/nothing", { headers: { "X-Request-Id": id } });
  expect(response.headers.get("X-Request-Id")).toMatch(expected);
});

test.each([
  ["/health", "POST", "GET, HEAD"],
  ["/healthz", "DELETE", "GET, HEAD"],
  ["/tunnel", "POST", "GET"],
  ["/tunnel/pair", "GET", "POST"],
])("%s does not take %s and says what it takes", async (path, method, allow) => {
  const response = await callEdge(edge.url, path, { method });
  expect(response.status).toBe(405);
  expect(response.headers.get("Allow")).toBe(allow);
});

test("health answers without a token, a core, or a body for HEAD", async () => {
  const response = await callEdge(edge.url, "/health");
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({
    ok: true,
    status: "live",
    edge: { version: expect.stringMatching(/^\d+\.\d+\.\d+$/) },
    core: { connected: false, lastSeenAt: null },
  });
  const head = await callEdge(edge.url, "/healthz", { method: "HEAD" });
  expect(head.status).toBe(200);
  expect(await head.text()).toBe("");
});
