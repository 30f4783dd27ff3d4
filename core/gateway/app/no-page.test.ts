import { afterAll, beforeAll, expect, test } from "vitest";
import { type GatewayWorld, startGatewayWorld } from "../../../test/support/gateway-world.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
let world: GatewayWorld;

beforeAll(async () => {
  world = await startGatewayWorld({}, { OPENCLAW_GATEWAY_TOKEN: "a-token-0123456789abcdefghijkl" });
});
afterAll(() => world[Symbol.asyncDispose]());

const ask = (path: string, accept: string, method = "GET") =>
  world.fetch(path, { method, headers: { Accept: accept } });

test.each(["/", "/chat", "/openclaw/", "/?session=main"])(
  "a browser at %s is told that there is no page, and what there is",
  async (path) => {
    const response = await ask(path, BROWSER);
    const text = await response.text();
    expect(response.status).toBe(404);
    expect(response.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(text).toContain("has no page here");
    expect(text).toContain("sallyport status");
  },
);

test("it lets nothing in and is nobody's frame, and says what it is to programs as well", async () => {
  const { headers } = await ask("/", BROWSER);
  expect(headers.get("Content-Security-Policy")).toMatch(
    /^default-src 'none'.*frame-ancestors 'none'/,
  );
  expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(headers.get("X-Gw-Error")).toBe("not_found");
  expect(headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
});

test("nothing of what was asked for is in it", async () => {
  const plain = await (await ask("/", BROWSER)).text();
  const hostile = await ask('/"><script>alert(1)</script>?x=<b>', BROWSER);
  expect(await hostile.text()).toBe(plain);
});

test.each([
  ["/", "*/*", "GET", 404],
  ["/", "application/json", "GET", 404],
  ["/nothing", BROWSER, "POST", 404],
  ["/v1/nothing", BROWSER, "GET", 401],
  ["/api/nothing", BROWSER, "GET", 401],
  ["/health", BROWSER, "GET", 200],
])("programs are answered as ever: %s with %s", async (path, accept, method, status) => {
  const response = await ask(path, accept, method);
  expect(response.status).toBe(status);
  expect(response.headers.get("Content-Type")).toMatch(/^application\/(?:problem\+)?json/);
});

test("a program at the root is told where to go", async () => {
  const { detail } = Object(await (await ask("/", "*/*")).json());
  expect(detail).toBe("No page here; /openapi.json tells what there is");
});
