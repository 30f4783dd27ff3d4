import * as schemas from "@openclaw/gateway-protocol/schema";
import { Check, Errors } from "typebox/value";
import { expect, test } from "vitest";
import * as z from "zod";
import { connectFrame, type GatewaySocket } from "../../../test/support/gateway-socket.ts";
import { GATEWAY_TOKEN, startGatewayWorld } from "../../../test/support/gateway-world.ts";

const ENV = { OPENCLAW_GATEWAY_TOKEN: GATEWAY_TOKEN };

const Answer = z.looseObject({
  ok: z.boolean(),
  payload: z.unknown().optional(),
  error: z.unknown().optional(),
});

const Greeting = z.looseObject({ auth: z.looseObject({ method: z.string() }) });

async function connected(
  world: Awaited<ReturnType<typeof startGatewayWorld>>,
  change: object = {},
): Promise<GatewaySocket> {
  const socket = await world.open();
  await socket.frame({ event: "connect.challenge" });
  const auth = { token: GATEWAY_TOKEN };
  socket.send(connectFrame({ auth, scopes: ["operator.admin"], ...change }));
  await socket.frame({ type: "res" });
  return socket;
}

let calls = 0;
async function call(socket: GatewaySocket, method: string, params: object = {}) {
  calls += 1;
  const id = `call-${calls}`;
  socket.send({ type: "req", id, method, params });
  return Answer.parse(await socket.frame({ id }));
}

test("the greeting is what the published schema says, and holds what clients look for", async () => {
  await using world = await startGatewayWorld({}, ENV);
  using socket = await connected(world);
  const { payload } = Answer.parse(await socket.frame({ type: "res" }));
  // The schema is older than the gateway that sends `auth.method`.
  const { auth, ...greeting } = Greeting.parse(payload);
  const { method: _newer, ...published } = auth;
  expect([...Errors(schemas.HelloOkSchema, { ...greeting, auth: published })]).toEqual([]);
  expect(payload).toMatchObject({
    type: "hello-ok",
    protocol: 4,
    server: { version: expect.any(String), bootId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    features: { capabilities: ["published-model-catalog"] },
    snapshot: {
      suspension: { phase: "accepting" },
      presence: [{ mode: "gateway", reason: "self" }],
      sessionDefaults: { defaultAgentId: "main", mainSessionKey: "agent:main:main" },
    },
    auth: { method: "token", role: "operator", scopes: ["operator.admin"] },
    policy: { maxPayload: 26_214_400, maxBufferedBytes: 52_428_800, tickIntervalMs: 30_000 },
  });
});

test("a client without scopes is told that the gateway lives, and no more", async () => {
  await using world = await startGatewayWorld({}, ENV);
  using socket = await connected(world, { scopes: [] });
  const { payload } = Answer.parse(await socket.frame({ type: "res" }));
  expect(payload).toMatchObject({ snapshot: { presence: [], health: { ok: true } } });
  const health = await call(socket, "health");
  expect(Object.keys(z.looseObject({}).parse(health.payload))).toEqual(["ok", "ts", "durationMs"]);
  expect((await call(socket, "status")).error).toMatchObject({ code: "FORBIDDEN" });
});

test("health has the keys of the contract, and everybody is told", async () => {
  await using world = await startGatewayWorld({}, ENV);
  using listener = await connected(world);
  using socket = await connected(world);
  const { payload } = await call(socket, "health", { probe: true });
  expect(payload).toMatchObject({
    ok: true,
    channels: {},
    channelOrder: [],
    heartbeatSeconds: 0,
    defaultAgentId: "main",
    agents: [{ agentId: "main", isDefault: true, sessions: { count: 0, recent: [] } }],
    sessions: { path: expect.stringContaining("sallyport.sqlite"), count: 0, recent: [] },
  });
  const event = await listener.frame({ event: "health" });
  expect([...Errors(schemas.EventFrameSchema, event)]).toEqual([]);
  expect(event).toMatchObject({ stateVersion: { presence: 1 }, payload });
});

test("who comes and goes is told, but for those who come for one question", async () => {
  await using world = await startGatewayWorld({}, ENV);
  using listener = await connected(world);
  const instanceId = "an-instance";
  const client = { id: "test", version: "1", platform: "linux", mode: "test", instanceId };
  using guest = await connected(world, { client });
  const came = await listener.frame({ event: "presence" });
  expect(came).toMatchObject({
    payload: { presence: [{ mode: "gateway" }, { mode: "test", instanceId }] },
    stateVersion: { presence: 2 },
  });
  const { payload } = await call(listener, "system-presence");
  expect(
    z
      .array(z.unknown())
      .parse(payload)
      .every((one) => Check(schemas.PresenceEntrySchema, one)),
  ).toBe(true);
  guest.socket.close();
  await guest.ended;
  expect((await call(listener, "system-presence")).payload).toHaveLength(1);
});

test("a node that says of itself that it is there is listed", async () => {
  await using world = await startGatewayWorld({}, ENV);
  using socket = await connected(world);
  const said = { text: "Node: kitchen", host: "kitchen", mode: "node", version: "1.0" };
  expect((await call(socket, "system-event", said)).payload).toEqual({ ok: true });
  expect((await call(socket, "system-presence")).payload).toMatchObject([
    { mode: "gateway" },
    { host: "kitchen", text: "Node: kitchen" },
  ]);
});

test.each([
  ["system.info", schemas.SystemInfoResultSchema],
  ["update.status", schemas.UpdateStatusResultSchema],
])("%s answers what the published schema says", async (method, schema) => {
  await using world = await startGatewayWorld({}, ENV);
  using socket = await connected(world);
  const { payload } = await call(socket, method);
  expect([...Errors(schema, payload)]).toEqual([]);
});

test("a suspended gateway takes no work, answers probes, and goes on when it is told to", async () => {
  await using world = await startGatewayWorld({}, ENV);
  using socket = await connected(world);
  const prepared = await call(socket, "gateway.suspend.prepare", { requestId: "r" });
  expect([...Errors(schemas.GatewaySuspendPrepareResultSchema, prepared.payload)]).toEqual([]);
  const { suspensionId } = z.object({ suspensionId: z.string() }).parse(prepared.payload);
  const order = { sessionKey: "main", message: "hi", idempotencyKey: "k" };
  expect((await call(socket, "chat.send", order)).error).toMatchObject({ code: "UNAVAILABLE" });
  const headers = { Authorization: `Bearer ${GATEWAY_TOKEN}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "hi" }] });
  const chat = { method: "POST", headers, body };
  expect((await world.fetch("/v1/chat/completions", chat)).status).toBe(503);
  expect((await world.fetch("/health")).status).toBe(200);
  const status = await call(socket, "gateway.suspend.status", { suspensionId });
  expect([...Errors(schemas.GatewaySuspendStatusResultSchema, status.payload)]).toEqual([]);
  const resumed = await call(socket, "gateway.suspend.resume", { suspensionId });
  expect(resumed.payload).toEqual({ ok: true, status: "running", resumed: true });
  expect((await call(socket, "chat.send", { ...order, idempotencyKey: "l" })).ok).toBe(true);
});

test("an installation says who it is, and it stays the same", async () => {
  await using world = await startGatewayWorld({}, ENV);
  using socket = await connected(world);
  const first = await call(socket, "gateway.identity.get");
  expect(first.payload).toEqual({
    deviceId: expect.stringMatching(/^[0-9a-f]{64}$/),
    publicKey: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
  });
  expect((await call(socket, "gateway.identity.get")).payload).toEqual(first.payload);
});
