import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller, ClientSocket } from "../../core/tunnel/handlers.ts";
import { digestOf } from "../../shared/constant-time.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import { type EdgeWithCore, startEdgeWithCore } from "../support/edge-with-core.ts";
import { challengeIn, MISSTEPS, take as takeStep } from "../support/gateway-refusals.ts";
import { connectFrame, type GatewaySocket, openGatewaySocket } from "../support/gateway-socket.ts";
import { createDevice } from "../support/gateway-device.ts";
import { upgradeStatus } from "../support/raw-request.ts";
import { aBundle, TOKENS } from "../support/tunnel-core.ts";

const PASSWORD = "correct-horse-battery";
const DEVICE_TOKEN = "the-token-of-a-device";
const READER_TOKEN = "the-token-of-a-device-that-reads";
const SETUP_TOKEN = "of-a-setup-code";
const OLD_SETUP_TOKEN = "of-a-setup-code-that-has-ended";
const device = createDevice();

let world: EdgeWithCore;
let bundle: EdgeBundle;
const callers: Caller[] = [];
const sockets: ClientSocket[] = [];
const heard: string[] = [];

/** Greets as a gateway does, and then answers each message with itself. */
function take(socket: ClientSocket): void {
  sockets.push(socket);
  let isFirst = true;
  socket.listen({
    onMessage(message, receipt) {
      heard.push(String(message));
      if (!isFirst) receipt.answer(typeof message === "string" ? `"${message}"` : message);
      else receipt.answer('{"type":"res","id":"1","ok":true,"payload":{"type":"hello-ok"}}');
      isFirst = false;
    },
    onClose: () => undefined,
  });
}

beforeAll(async () => {
  bundle = await aBundle({ allowedOrigins: ["https://ui.example"] });
  const owner = { subject: "owner", scopes: ["operator"] } as const;
  bundle.verifiers.push(
    { ...owner, scopes: ["operator"], digest: await digestOf(PASSWORD), kind: "password" },
    {
      ...owner,
      scopes: ["operator"],
      digest: await digestOf(DEVICE_TOKEN),
      kind: "device",
      deviceId: device.id,
      operatorScopes: ["operator.read", "operator.write"],
    },
    {
      ...owner,
      scopes: ["operator"],
      digest: await digestOf(READER_TOKEN),
      kind: "device",
      deviceId: device.id,
      operatorScopes: ["operator.read"],
    },
  );
  bundle.setupCodes = [
    { digest: await digestOf(SETUP_TOKEN), expiresAt: Date.now() + 600_000 },
    { digest: await digestOf(OLD_SETUP_TOKEN), expiresAt: Date.now() - 1 },
  ];
  world = await startEdgeWithCore({
    bundle: () => bundle,
    fetch: (_request, caller) => Promise.resolve(Response.json(caller)),
    upgrade: async (_request, caller) => {
      callers.push(caller);
      return { accepted: true, protocol: undefined, survives: true, take };
    },
  });
});
afterAll(() => world[Symbol.asyncDispose]());

test.each([
  ["the token", { auth: { token: TOKENS.operator } }],
  ["a password", { auth: { password: PASSWORD } }],
  ["the token where a password belongs", { auth: { password: TOKENS.operator } }],
  ["a good token beside a wrong password", { auth: { token: TOKENS.operator, password: "no" } }],
])("a client that shows %s in its first frame is let in", async (_name, change) => {
  const before = callers.length;
  using client = await openGatewaySocket(world.edge.url);
  const challenge = await client.frame({ event: "connect.challenge" });
  expect(challenge).toEqual({
    type: "event",
    event: "connect.challenge",
    payload: { nonce: expect.stringMatching(/^[\da-f-]{36}$/), ts: expect.any(Number) },
  });
  expect(callers.length).toBe(before);
  client.send(connectFrame(change));
  await client.frame({ type: "res", ok: true });
  expect(callers.at(-1)).toMatchObject({
    principal: { subject: "owner", scopes: ["operator"] },
    connect: challenge["payload"],
    via: "edge",
  });
  expect(JSON.parse(heard.at(-1) ?? "")).toEqual(connectFrame(change));
  // The core's first word was the greeting: it puts no second challenge to anybody.
  expect(client.frames).toHaveLength(2);
});

/** Through the handshake, with `change` over an empty `connect`. */
async function greeted(change: object, proof?: { form?: "v2" | "v3" }): Promise<GatewaySocket> {
  const client = await openGatewaySocket(world.edge.url);
  const { payload } = await client.frame({ event: "connect.challenge" });
  const { params } = connectFrame(change);
  const proven = proof === undefined ? params : device.prove(params, challengeIn(payload), proof);
  client.send(connectFrame(Object(proven)));
  return client;
}

test("with a setup code one is nobody yet, and with one that has ended does not get so far", async () => {
  const before = callers.length;
  for (const bootstrapToken of [OLD_SETUP_TOKEN, "of-no-setup-code"]) {
    using client = await greeted({ auth: { bootstrapToken } }, {});
    expect((await client.ended).code).toBeGreaterThan(1_000);
  }
  using bare = await greeted({ auth: { bootstrapToken: SETUP_TOKEN } });
  expect(await bare.frame({ type: "res" })).toMatchObject({ ok: false });
  expect(callers.length).toBe(before);
  using client = await greeted({ auth: { bootstrapToken: SETUP_TOKEN } }, {});
  await client.frame({ type: "res", ok: true });
  expect(callers.slice(before)).toMatchObject([
    { principal: { subject: "setup-code", scopes: [] }, via: "edge" },
  ]);
});

test.each(["v3", "v2"] as const)("a device signs its connect in the form %s", async (form) => {
  using client = await greeted({ auth: { token: TOKENS.operator } }, { form });
  await client.frame({ type: "res", ok: true });
});

test.each([
  ["as device token", { deviceToken: DEVICE_TOKEN }],
  ["as token", { token: DEVICE_TOKEN }],
])("a device is let in by its own token, %s, and the core hears what it may", async (_n, auth) => {
  using client = await greeted({ auth }, {});
  await client.frame({ type: "res", ok: true });
  expect(callers.at(-1)).toMatchObject({
    deviceId: device.id,
    operatorScopes: ["operator.read", "operator.write"],
    principal: { scopes: ["operator"] },
  });
});

test("a device that may only read comes in as no operator, and its scopes go along", async () => {
  using client = await greeted({ auth: { deviceToken: READER_TOKEN } }, {});
  await client.frame({ type: "res", ok: true });
  expect(callers.at(-1)).toMatchObject({
    deviceId: device.id,
    operatorScopes: ["operator.read"],
    principal: { scopes: [] },
  });
});

test("a device token is of no use without its device, or to another one", async () => {
  using without = await greeted({ auth: { deviceToken: DEVICE_TOKEN } });
  const refusal = { details: { code: "AUTH_DEVICE_TOKEN_MISMATCH" } };
  expect(await without.frame({ ok: false })).toMatchObject({ error: refusal });
  using other = await openGatewaySocket(world.edge.url);
  const { payload } = await other.frame({ event: "connect.challenge" });
  const { params } = connectFrame({ auth: { deviceToken: DEVICE_TOKEN } });
  other.send(connectFrame(createDevice().prove(params, challengeIn(payload))));
  expect(await other.frame({ ok: false })).toMatchObject({ error: refusal });
  expect(await other.ended).toMatchObject({ code: 1008 });
});

test("a device whose token may be news is told to wait, not that its token is wrong", async () => {
  const ask = async (): Promise<unknown> => {
    using client = await greeted({ auth: { deviceToken: "made-a-moment-ago" } }, {});
    return (await client.frame({ ok: false }))["error"];
  };
  // Whoever comes first asks the relay for news, and is told for sure; the next are too early.
  await expect.poll(ask).toMatchObject({
    code: "UNAVAILABLE",
    details: { reason: "startup-sidecars" },
    retryAfterMs: 2_000,
  });
  // What people choose, and others guess, is no device's token: no guess goes uncounted.
  using guess = await greeted({ auth: { deviceToken: PASSWORD } }, {});
  await guess.frame({ ok: false });
});

test("a token for chats opens no gateway", async () => {
  using client = await greeted({ auth: { token: TOKENS.chat } });
  expect(await client.frame({ ok: false })).toMatchObject({
    error: { details: { code: "AUTH_TOKEN_MISMATCH" } },
  });
});

test.each(MISSTEPS)("the edge refuses $name, and the core hears nothing", async (misstep) => {
  const before = callers.length;
  using client = await openGatewaySocket(world.edge.url);
  expect(await takeStep(client, misstep, TOKENS.operator)).toEqual(misstep.refused);
  expect(callers.length).toBe(before);
});

test("a client that says nothing is not waited for", async () => {
  using client = await openGatewaySocket(world.edge.url);
  expect(await client.ended).toEqual({ code: 1000, reason: "no connect request" });
});

test.each([
  ["a page of the edge's own origin", () => world.edge.url.origin, 101],
  ["a page of an origin that is allowed", () => "https://ui.example", 101],
  ["a page of another origin", () => "https://evil.example", 403],
  ["a page of no origin", () => "null", 403],
  ["a page of the same host and another port", () => "http://127.0.0.1:1", 403],
])("%s gets its upgrade answered as it should be", async (_name, origin, status) => {
  expect(await upgradeStatus(world.edge.url, "/gateway", { Origin: origin() })).toBe(status);
});

test("what shows something is judged by that alone", async () => {
  const { url } = world.edge;
  expect(await upgradeStatus(url, "/", { Authorization: "Bearer wrong" })).toBe(401);
  expect(await upgradeStatus(url, "/", { "Sec-WebSocket-Protocol": "mine" })).toBe(401);
  expect(await upgradeStatus(url, `/?token=${TOKENS.operator}`)).toBe(400);
});

test("a core that does not speak the protocol gets no strangers greeted for it", async () => {
  const own = { ...(await aBundle()), greets: false };
  await using silent = await startEdgeWithCore({ bundle: () => own });
  expect(await upgradeStatus(silent.edge.url, "/")).toBe(401);
});

test("one address has so many places for those who are not in yet, and no more", async () => {
  await using own = await startEdgeWithCore({});
  const waiting = await Promise.all(
    Array.from({ length: 32 }, () => openGatewaySocket(own.edge.url)),
  );
  expect(await upgradeStatus(own.edge.url, "/")).toBe(503);
  waiting[0]?.send("out");
  await waiting[0]?.ended;
  await expect.poll(() => upgradeStatus(own.edge.url, "/")).toBe(101);
  for (const client of waiting) client[Symbol.dispose]();
});

test("guesses in first frames count with all others, and end in a lock-out, with the right token too", async () => {
  await using own = await startEdgeWithCore({});
  const guess = async (token: string): Promise<unknown> => {
    using client = await openGatewaySocket(own.edge.url);
    client.send(connectFrame({ auth: { token } }));
    return (await client.frame({ type: "res" }))["error"];
  };
  for (let index = 0; index < 40; index += 1) {
    expect((await own.call("/v1/models", { token: `guess-${index}` })).status).toBe(401);
  }
  const guesses = await Promise.all(Array.from({ length: 25 }, (_v, index) => guess(`g${index}`)));
  const locked = {
    code: "UNAVAILABLE",
    details: expect.objectContaining({ code: "AUTH_RATE_LIMITED", authReason: "rate_limited" }),
    retryable: true,
    retryAfterMs: expect.any(Number),
  };
  // They came side by side: which of them were the last is nobody's promise.
  expect(guesses).toContainEqual(expect.objectContaining({ code: "INVALID_REQUEST" }));
  expect(guesses).toContainEqual(expect.objectContaining(locked));
  expect(await guess(TOKENS.operator)).toMatchObject(locked);
  const response = await own.call("/v1/models", { token: TOKENS.operator });
  expect(response.status).toBe(429);
  expect(Number(response.headers.get("Retry-After"))).toBeGreaterThan(200);
});

test.each([
  ["the token", () => TOKENS.operator, 204],
  ["a password", () => PASSWORD, 204],
  ["the token of a device that may write", () => DEVICE_TOKEN, 204],
  ["the token of a device that may only read", () => READER_TOKEN, 403],
  ["a token for chats", () => TOKENS.chat, 403],
  ["a wrong token", () => "wrong", 401],
])("/api/auth/check says to %s what a proxy wants to hear", async (_name, token, status) => {
  const before = callers.length;
  const answer = await world.call("/api/auth/check", { token: token() });
  expect([answer.status, callers.length]).toEqual([status, before]);
});

test("/api/auth/check sends nobody to a login page", async () => {
  const headers = { Accept: "text/html", "Sec-Fetch-Mode": "navigate" };
  expect((await world.call("/api/auth/check", { headers })).status).toBe(401);
});

test.each([
  ["a device that may write", () => DEVICE_TOKEN, "POST", 200],
  ["a device that may only read", () => READER_TOKEN, "GET", 200],
  ["a device that may only read", () => READER_TOKEN, "POST", 403],
  ["a device that may only read", () => READER_TOKEN, "DELETE", 403],
  ["a password", () => PASSWORD, "POST", 200],
])("over HTTP %s gets what it asks for, or not: %#", async (_name, token, method, status) => {
  const answer = await world.call("/api/status", { token: token(), method });
  expect(answer.status).toBe(status);
  if (status === 200 && token() !== PASSWORD) {
    expect(await answer.json()).toMatchObject({ deviceId: device.id });
  }
});
