import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { WebSocket } from "ws";
import { expect, test } from "vitest";
import { connectFrame } from "../../../test/support/gateway-socket.ts";
import {
  GATEWAY_TOKEN as token,
  type GatewayWorld,
  startGatewayWorld,
} from "../../../test/support/gateway-world.ts";
import { eventually } from "../../../test/support/until.ts";

const AUTH = { Authorization: `Bearer ${token}` };
const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === "::1");

function world(gateway: object = {}, rest: object = {}, env = {}): Promise<GatewayWorld> {
  return startGatewayWorld({ gateway: { auth: { token }, ...gateway }, ...rest }, env);
}

/** The status and body with which an upgrade is refused. */
async function refusedUpgrade(
  it: GatewayWorld,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly body: string }> {
  const socket = new WebSocket(`${it.url.replace("http", "ws")}${path}`, { headers });
  socket.on("error", () => undefined);
  const [, response] = await once(socket, "unexpected-response");
  const body = (await response.setEncoding("utf8").toArray()).join("");
  return { status: response.statusCode, body };
}

test.each([
  ["/health", "GET", "X-Forwarded-For"],
  ["/v1/models", "GET", "Forwarded"],
  ["/v1/chat/completions", "POST", "X-Real-IP"],
  ["/hooks/wake", "POST", "X-Forwarded-Proto"],
  ["/nowhere", "GET", "X-Forwarded-Host"],
])("%s: what a proxy says that nobody has named is refused", async (path, method, header) => {
  await using it = await world();
  const response = await it.fetch(path, { method, headers: { ...AUTH, [header]: "for=1.2.3.4" } });
  expect(response.status).toBe(403);
  expect(await response.json()).toMatchObject({
    error: {
      type: "proxy_attribution_required",
      message: expect.stringContaining("trustedProxies"),
    },
  });
});

test("an upgrade through a proxy that nobody has named is refused", async () => {
  await using it = await world();
  const refused = await refusedUpgrade(it, "/gateway", { "X-Forwarded-For": "1.2.3.4" });
  expect(refused.status).toBe(403);
  expect(JSON.parse(refused.body)).toMatchObject({ error: { type: "proxy_attribution_required" } });
});

test("failures behind a trusted proxy count for the one it speaks for, and never as this machine's", async () => {
  await using it = await world({ trustedProxies: ["127.0.0.0/8"] });
  const ask = (ip: string, bearer: string): Promise<Response> =>
    it.fetch("/v1/models", {
      headers: { Authorization: `Bearer ${bearer}`, "X-Forwarded-For": `9.9.9.9, ${ip}` },
    });
  const wrong = await Promise.all(Array.from({ length: 10 }, () => ask("203.0.113.5", "wrong")));
  expect(new Set(wrong.map(({ status }) => status))).toEqual(new Set([401]));
  const locked = await ask("203.0.113.5", token);
  expect(locked.status).toBe(429);
  expect(Number(locked.headers.get("Retry-After"))).toBeGreaterThan(290);
  expect((await ask("203.0.113.6", token)).status).toBe(200);
  expect((await it.fetch("/v1/models", { headers: AUTH })).status).toBe(200);
});

test("a proxy that says 127.0.0.1 makes nobody a program of this machine", async () => {
  await using it = await world(
    { trustedProxies: ["127.0.0.1"] },
    {
      sallyport: { metrics: { openToLoopback: true } },
    },
  );
  const spoofed = { "X-Forwarded-For": "127.0.0.1" };
  expect((await it.fetch("/metrics", { headers: spoofed })).status).toBe(401);
  expect((await it.fetch("/metrics")).status).toBe(200);
  const client = await it.open("127.0.0.1");
  await client.frame({ event: "connect.challenge" });
  client.send(connectFrame({ auth: { token } }));
  expect(await client.frame({ type: "res" })).toMatchObject({ payload: { auth: { scopes: [] } } });
  client[Symbol.dispose]();
});

test("pages in a browser of this machine are not exempt from the lock-out", async () => {
  await using it = await world();
  const headers = { Origin: "http://127.0.0.1:3000" };
  const guess = async (guessed: string): Promise<unknown> => {
    const client = await it.open(undefined, headers);
    await client.frame({ event: "connect.challenge" });
    client.send(connectFrame({ auth: { token: guessed } }));
    const answer = await client.frame({ type: "res" });
    client[Symbol.dispose]();
    return answer;
  };
  await Promise.all(Array.from({ length: 10 }, () => guess("wrong")));
  expect(await guess(token)).toMatchObject({
    error: { code: "UNAVAILABLE", retryable: true, details: { code: "AUTH_RATE_LIMITED" } },
  });
  const program = await it.fetch("/v1/models", { headers: AUTH });
  // Nor can a page shut them out.
  expect(program.status).toBe(200);
});

test("a token in the URL is refused with the reason, and read only where that was asked for", async () => {
  await using strict = await world();
  const refused = await strict.fetch(`/v1/models?token=${token}`);
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain("Authorization: Bearer");
  expect((await refusedUpgrade(strict, `/gateway?token=${token}`, {})).status).toBe(400);

  await using legacy = await world({}, { sallyport: { legacy: { queryToken: true } } });
  expect((await legacy.fetch(`/v1/models?token=${token}`)).status).toBe(200);
  expect((await legacy.fetch("/v1/models?token=wrong")).status).toBe(401);
  expect((await legacy.fetch(`/v1/models?password=${token}`)).status).toBe(400);
  const socket = new WebSocket(`${legacy.url.replace("http", "ws")}/gateway?token=${token}`);
  await once(socket, "message");
  socket.send(JSON.stringify(connectFrame()));
  const [answer] = await once(socket, "message");
  expect(JSON.parse(String(answer))).toMatchObject({ ok: true });
  socket.terminate();
  for (const it of [strict, legacy]) expect(JSON.stringify(it.log)).not.toContain(token);
  expect(legacy.log.some(({ msg }) => String(msg).includes("queryToken"))).toBe(false);
});

test("no answer opens the gateway to other pages", async () => {
  await using it = await world();
  const preflight = await it.fetch("/v1/chat/completions", {
    method: "OPTIONS",
    headers: { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" },
  });
  expect([401, 405]).toContain(preflight.status);
  const authorized = await it.fetch("/v1/chat/completions", { method: "OPTIONS", headers: AUTH });
  expect(authorized.status).toBe(405);
  expect(authorized.headers.get("Allow")).toBe("POST");
  const seen = await it.fetch("/v1/models", {
    headers: { ...AUTH, Origin: "https://evil.example" },
  });
  for (const { headers } of [preflight, authorized, seen]) {
    expect([...headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
  }
});

test.each([
  ["a page of another site", { Origin: "https://evil.example" }],
  ["a page without an origin", { Origin: "null" }],
  ["a rebound name", { Host: "evil.example" }],
])("%s opens no WebSocket", async (_name, headers) => {
  await using it = await world();
  expect((await refusedUpgrade(it, "/gateway", headers)).status).toBe(403);
});

test("a page may come in from the moment the file says so, and its proxy is believed", async () => {
  const page = "https://panel.example";
  await using it = await world({ reload: { debounceMs: 0 } });
  const headers = { Origin: page, "X-Forwarded-For": "203.0.113.5" };
  expect((await refusedUpgrade(it, "/gateway", headers)).status).toBe(403);
  await it.write({
    gateway: {
      auth: { token },
      trustedProxies: ["127.0.0.1"],
      controlUi: { allowedOrigins: [page] },
    },
  });
  await eventually(() => expect(it.log.map(({ msg }) => msg)).toContain("config reloaded"));
  const client = await it.open(undefined, headers);
  expect(await client.frame({ event: "connect.challenge" })).toBeDefined();
  client[Symbol.dispose]();
});

test("another token in the file sends those away who came with the old one", async () => {
  const next = "another-token-of-some-length";
  await using it = await world({ reload: { debounceMs: 0 } });
  const client = await it.open();
  await client.frame({ event: "connect.challenge" });
  client.send(connectFrame({ auth: { token } }));
  await client.frame({ type: "res" });
  await it.write({ gateway: { auth: { token: next } } });
  expect(await client.ended).toMatchObject({ code: 4001 });
  expect((await it.fetch("/v1/models", { headers: AUTH })).status).toBe(401);
  const headers = { Authorization: `Bearer ${next}` };
  expect((await it.fetch("/v1/models", { headers })).status).toBe(200);
});

test.runIf(hasIpv6)("on this machine it is reached by both loopback addresses", async () => {
  await using it = await world();
  const { port } = it.gateway;
  expect((await fetch(`http://[::1]:${port}/health`)).status).toBe(200);
  const socket = new WebSocket(`ws://[::1]:${port}/gateway`);
  await once(socket, "message");
  socket.send(JSON.stringify(connectFrame({ auth: { token } })));
  const [answer] = await once(socket, "message");
  expect(JSON.parse(String(answer))).toMatchObject({
    payload: { auth: { scopes: ["operator.read"] } },
  });
  socket.terminate();
});

test("a password opens the gateway as a token would, in either field and as bearer", async () => {
  const password = "correct-horse-battery-staple";
  await using it = await startGatewayWorld({ gateway: { auth: { mode: "password", password } } });
  for (const auth of [{ password }, { token: password }]) {
    const client = await it.open();
    await client.frame({ event: "connect.challenge" });
    client.send(connectFrame({ auth }));
    expect(await client.frame({ type: "res" })).toMatchObject({
      payload: { auth: { method: "password", scopes: ["operator.read"] } },
    });
    client[Symbol.dispose]();
  }
  const headers = { Authorization: `Bearer ${password}` };
  expect((await it.fetch("/v1/models", { headers })).status).toBe(200);
  expect((await it.fetch("/v1/models", { headers: AUTH })).status).toBe(401);
});

test("without auth programs of this machine come in, and nobody through a proxy", async () => {
  await using it = await startGatewayWorld({
    gateway: { auth: { mode: "none" }, trustedProxies: ["127.0.0.1"] },
  });
  expect((await it.fetch("/v1/models")).status).toBe(200);
  const proxied = { headers: { "X-Forwarded-For": "203.0.113.5" } };
  expect((await it.fetch("/v1/models", proxied)).status).toBe(401);
});

test("the word of a trusted proxy opens the gateway for those who are named", async () => {
  const trustedProxy = {
    userHeader: "X-Forwarded-User",
    requiredHeaders: ["X-Forwarded-Proto"],
    allowUsers: ["ada@example.com"],
    allowLoopback: true,
  };
  await using it = await startGatewayWorld({
    gateway: {
      auth: { mode: "trusted-proxy", trustedProxy, token },
      trustedProxies: ["127.0.0.1"],
    },
  });
  const as = (user: string | undefined, more: object = {}): Promise<Response> =>
    it.fetch("/v1/models", {
      headers: {
        "X-Forwarded-For": "203.0.113.5",
        "X-Forwarded-Proto": "https",
        ...(user === undefined ? {} : { "X-Forwarded-User": user }),
        ...more,
      },
    });
  expect((await as("ada@example.com")).status).toBe(200);
  expect((await as("eve@example.com")).status).toBe(401);
  expect((await as(undefined)).status).toBe(401);
  expect((await as(undefined, AUTH)).status).toBe(401);
  expect((await as("ada@example.com", { "X-Forwarded-Proto": "" })).status).toBe(401);
  expect((await it.fetch("/v1/models", { headers: AUTH })).status).toBe(200);
});

test.each([
  ["of a proxy on this machine", {}, { "X-Forwarded-For": "203.0.113.5" }],
  ["of a program of this machine", {}, {}],
  ["that does not say for whom it is passed on", { allowLoopback: true }, {}],
])("the word %s opens nothing, with the reason", async (_name, more, headers) => {
  const trustedProxy = { userHeader: "X-User", allowUsers: ["ada"], ...more };
  await using it = await startGatewayWorld({
    gateway: {
      auth: { mode: "trusted-proxy", trustedProxy, token },
      trustedProxies: ["127.0.0.1"],
    },
  });
  const says = { ...headers, "X-User": "ada" };
  const refused = await it.fetch("/v1/models", { headers: says });
  expect(refused.status).toBe(403);
  const type =
    "allowLoopback" in more ? "proxy_attribution_required" : "trusted_proxy_loopback_source";
  expect(await refused.json()).toMatchObject({ error: { type } });
  expect((await refusedUpgrade(it, "/gateway", says)).status).toBe(403);
  expect((await it.fetch("/v1/models", { headers: AUTH })).status).toBe(200);
});
