import { expect, test } from "vitest";
import { connectParams, RPC_NOW, RPC_TOKEN, rpcWorld } from "../../../test/support/rpc-world.ts";

test("a client is challenged, connects, is greeted and may call methods", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial("/any/path");
  expect(await client.next()).toEqual({
    type: "event",
    event: "connect.challenge",
    payload: { nonce: expect.stringMatching(/^[0-9a-f-]{36}$/), ts: RPC_NOW },
  });
  expect(await client.request("connect", connectParams())).toMatchObject({
    type: "res",
    id: "1",
    ok: true,
    payload: {
      type: "hello-ok",
      protocol: 4,
      server: { version: "1.2.3", connId: expect.any(String) },
      features: { methods: ["echo", "plain", "broken", "busy", "stuck"] },
      snapshot: { presence: [] },
      auth: { role: "operator", scopes: ["operator.read"] },
      policy: {
        maxPayload: 25 * 1024 * 1024,
        maxBufferedBytes: 50 * 1024 * 1024,
        tickIntervalMs: 30_000,
      },
    },
  });
  expect(await client.request("echo", { text: "hi" }, "2")).toEqual({
    type: "res",
    id: "2",
    ok: true,
    payload: { text: "hi" },
  });
});

test.each([
  ["absent", {}],
  ["null", { params: null }],
])("params may be %s", async (_name, rest) => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams());
  client.send({ type: "req", id: "2", method: "plain", ...rest });
  expect(await client.next()).toMatchObject({ id: "2", ok: true, payload: "called" });
});

test("the shared secret may come as the password", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  const params = connectParams({ auth: { password: RPC_TOKEN } });
  expect(await client.request("connect", params)).toMatchObject({ ok: true });
});

test("a refusal is answered first, and then the connection is closed", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  const params = connectParams({ auth: { token: "wrong" } });
  expect(await client.request("connect", params)).toMatchObject({
    id: "1",
    error: { code: "INVALID_REQUEST", details: { code: "AUTH_TOKEN_MISMATCH" } },
  });
  const [code, reason] = await client.end();
  expect(code).toBe(1008);
  expect(reason).toMatch(/^unauthorized: gateway token mismatch/);
});

test("an address that guesses is shut out, with the right token as well", async () => {
  await using gateway = await rpcWorld();
  for (let index = 0; index < 10; index += 1) {
    const client = gateway.dial();
    await client.next();
    await client.request("connect", connectParams({ auth: { token: `guess-${index}` } }));
  }
  const client = gateway.dial();
  await client.next();
  expect(await client.request("connect", connectParams())).toMatchObject({
    error: { code: "UNAVAILABLE", details: { code: "AUTH_RATE_LIMITED" }, retryable: true },
  });
});

test("after the greeting mistakes are answered and the connection stays", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams({ scopes: ["operator.write"] }));
  client.send("garbage is ignored");
  client.send({ type: "nonsense" });
  expect(await client.next()).toMatchObject({ id: "invalid", error: { code: "INVALID_REQUEST" } });
  expect(await client.request("nope", {}, "2")).toMatchObject({
    id: "2",
    error: { code: "INVALID_REQUEST", message: "unknown method: nope" },
  });
  expect(await client.request("echo", { bad: 1 }, "3")).toMatchObject({
    error: {
      code: "INVALID_REQUEST",
      message: "invalid echo params: must have required property 'text'",
    },
  });
  expect(await client.request("echo", { text: 1 }, "3")).toMatchObject({
    error: { message: "invalid echo params: at text: must be text" },
  });
  expect(await client.request("busy", {}, "4")).toMatchObject({
    error: { code: "UNAVAILABLE", retryable: true, retryAfterMs: 5 },
  });
  expect(await client.request("broken", {}, "5")).toMatchObject({
    error: {
      code: "FORBIDDEN",
      message: "missing scope: operator.admin",
      details: { code: "MISSING_SCOPE", missingScope: "operator.admin" },
    },
  });
  expect(await client.request("echo", { text: "still here" }, "6")).toMatchObject({ ok: true });
});

test("a bug in a method does not show its message", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams({ scopes: ["operator.admin"] }));
  expect(await client.request("broken", {}, "2")).toMatchObject({
    error: { code: "UNAVAILABLE", message: "internal error" },
  });
});

test("a client that is not one of the trusted pairs keeps no scopes without a device", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  const params = connectParams({
    client: { id: "test", version: "1", platform: "linux", mode: "test" },
  });
  expect(await client.request("connect", params)).toMatchObject({
    payload: { auth: { scopes: [] } },
  });
  expect(await client.request("echo", { text: "x" }, "2")).toMatchObject({
    error: { code: "FORBIDDEN" },
  });
});

test("a gateway that stops says so and closes with 1012", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams());
  const [farewell, closed] = await Promise.all([
    client.next(),
    client.end(),
    gateway.connections.close(),
  ]);
  expect(farewell).toEqual({
    type: "event",
    event: "shutdown",
    payload: { reason: "gateway stopping" },
    seq: 1,
  });
  expect(closed).toEqual([1012, "service restart"]);
});
