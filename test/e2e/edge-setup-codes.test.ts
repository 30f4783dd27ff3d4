/** A new device that shows a setup code at the edge: a whole gateway, the real Worker and relay. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { createDevice, type TestDevice } from "../support/gateway-device.ts";
import { challengeIn } from "../support/gateway-refusals.ts";
import { connectFrame, type GatewaySocket, openGatewaySocket } from "../support/gateway-socket.ts";
import {
  GATEWAY_TOKEN as token,
  type GatewayWorld,
  startGatewayWorld,
} from "../support/gateway-world.ts";
import { until } from "../support/until.ts";

const parts = new AsyncDisposableStack();
let edge: RunningEdge;
let gateway: GatewayWorld;
let owner: GatewaySocket;
let count = 0;

const NODE = { role: "node", scopes: [] };

beforeAll(async () => {
  const pairing = randomToken();
  edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  gateway = parts.use(
    await startGatewayWorld(
      {
        gateway: { auth: { token }, trustedProxies: ["127.0.0.1"] },
        sallyport: { edge: { url: edge.url.origin } },
      },
      { SALLYPORT_EDGE_PAIRING: pairing },
    ),
  );
  owner = await gateway.open();
  await owner.frame({ event: "connect.challenge" });
  owner.send(connectFrame({ auth: { token }, scopes: ["operator.admin"] }));
  await owner.frame({ type: "res", ok: true });
  await published("edge has our routes and tokens", 1);
});
afterAll(() => parts.disposeAsync());

/** Waits until the edge has taken a bundle so many times. */
async function published(msg: string, times: number): Promise<void> {
  await until(() => gateway.log.filter((line) => line["msg"] === msg).length >= times);
}

async function call(method: string, params: object = {}): Promise<Record<string, unknown>> {
  const id = `call-${(count += 1)}`;
  owner.send({ type: "req", id, method, params });
  return Object((await owner.frame({ id }))["payload"]);
}

/** A code that the edge knows of. */
async function make(params: object = {}): Promise<{ bootstrapToken: string }> {
  const before = gateway.log.filter(({ msg }) => msg === "edge has our routes and tokens").length;
  const made = await call("device.pair.setupCode", { publicUrl: "wss://edge.example", ...params });
  const { bootstrapToken } = JSON.parse(
    Buffer.from(String(made["setupCode"]), "base64url").toString(),
  );
  await published("edge has our routes and tokens", before + 1);
  return { bootstrapToken };
}

interface Answer {
  readonly client: GatewaySocket;
  readonly ok: boolean;
  readonly auth: Readonly<Record<string, unknown>>;
  readonly code: string;
}

async function visit(
  params: object,
  device?: TestDevice,
  { base = edge.url, ip = "127.0.0.1" } = {},
): Promise<Answer> {
  const headers = { "CF-Connecting-IP": ip };
  const client = parts.use(await openGatewaySocket(base, { headers }));
  const { payload } = await client.frame({ event: "connect.challenge" });
  const frame = connectFrame(params);
  const signed = device?.prove(frame["params"], challengeIn(payload)) ?? frame["params"];
  client.send({ ...frame, params: signed });
  const answer = await client.frame({ type: "res" });
  const { details, retryable } = Object(answer["error"]);
  const code = String(Object(details).code);
  return {
    client,
    ok: answer["ok"] === true,
    auth: Object(Object(answer["payload"]).auth),
    code: retryable === true && code !== "AUTH_RATE_LIMITED" ? "RETRY" : code,
  };
}

/** As clients do that are told to come again. */
async function patiently(params: object, device?: TestDevice): Promise<Answer> {
  return until(
    async () => {
      const answer = await visit(params, device);
      return answer.code === "RETRY" ? undefined : answer;
    },
    { everyMs: 200 },
  );
}

test("a phone pairs by its code, keeps its connection when the code is gone, and comes back with its token", async () => {
  const auth = await make();
  const device = createDevice();
  const first = await patiently({ ...NODE, auth }, device);
  expect(first.auth).toMatchObject({
    method: "bootstrap-token",
    role: "node",
    deviceTokens: [{ role: "operator" }],
  });
  const { deviceToken } = first.auth;
  const [handed] = Array.isArray(first.auth["deviceTokens"]) ? first.auth["deviceTokens"] : [];
  const back = await patiently({ ...NODE, auth: { deviceToken } }, device);
  expect(back.auth).toMatchObject({ method: "device-token", role: "node" });
  const asOperator = {
    auth: { deviceToken: Object(handed).deviceToken },
    scopes: ["operator.read"],
  };
  expect((await patiently(asOperator, device)).auth).toMatchObject({ role: "operator" });
  // The token of a node makes nobody an operator.
  const stolen = await patiently({ auth: { deviceToken }, scopes: ["operator.admin"] }, device);
  expect(stolen.code).toBe("AUTH_DEVICE_TOKEN_MISMATCH");
  // By now the edge has forgotten the code; who came by it is still there.
  first.client.send({ type: "req", id: "still", method: "health", params: {} });
  expect(await first.client.frame({ id: "still" })).toMatchObject({ ok: true });
  await call("device.pair.remove", { deviceId: device.id });
  expect((await first.client.ended).code).toBe(1008);
});

test("a code that was used at one door is no good at the other, in the same moment too", async () => {
  const used = await make();
  expect((await patiently({ ...NODE, auth: used }, createDevice())).ok).toBe(true);
  const local = await visit({ ...NODE, auth: used }, createDevice(), {
    base: new URL(gateway.url),
  });
  expect(local.code).toBe("AUTH_BOOTSTRAP_TOKEN_INVALID");
  const again = await patiently({ ...NODE, auth: used }, createDevice());
  expect(again.code).toBe("AUTH_BOOTSTRAP_TOKEN_INVALID");

  const auth = await make();
  const doors = [edge.url, new URL(gateway.url), edge.url, new URL(gateway.url)];
  const both = await Promise.all(
    doors.map((base) => visit({ ...NODE, auth }, createDevice(), { base })),
  );
  expect(both.filter(({ ok }) => ok)).toHaveLength(1);
});

test("what is no code, or no more, opens nothing, and a code no HTTP", async () => {
  const auth = await make();
  await call("device.pair.setupRevoke");
  const device = createDevice();
  for (const bootstrapToken of [auth.bootstrapToken, randomToken()]) {
    const answer = await patiently({ ...NODE, auth: { bootstrapToken } }, device);
    expect(answer.code).toBe("AUTH_BOOTSTRAP_TOKEN_INVALID");
  }
  const bare = await visit({ ...NODE, auth: await make() });
  expect(bare.code).toBe("DEVICE_IDENTITY_REQUIRED");
  const response = await fetch(new URL("/v1/models", edge.url), {
    headers: { Authorization: `Bearer ${(await make()).bootstrapToken}` },
  });
  // By now too much was asked for here: nobody is sure of anything.
  expect([401, 503]).toContain(response.status);
});

test("a code is good at once, however lately others were asked for, and so is what it gives", async () => {
  for (let round = 0; round < 3; round += 1) {
    // Of somebody else; what he shows is not there, and the edge may not ask for that again soon.
    const wrong = await visit({ auth: { token: randomToken() } }, undefined, { ip: "203.0.113.1" });
    expect(wrong.code).toBe("AUTH_TOKEN_MISMATCH");
    const device = createDevice();
    const known = await visit({ ...NODE, auth: await make() }, device, { ip: "198.51.100.1" });
    expect(known.ok).toBe(true);
  }
});

function guess(bootstrapToken: string, device: TestDevice, ip: string): Promise<Answer> {
  return visit({ ...NODE, auth: { bootstrapToken } }, device, { ip });
}

test("whoever makes up codes is locked out at his address, and a code from elsewhere is good", async () => {
  const [guesser, patient] = [createDevice(), createDevice()];
  const said = new Set<string>();
  // Twice as many as a minute has, for it may end in between.
  for (let batch = 0; batch < 10 && !said.has("AUTH_RATE_LIMITED"); batch += 1) {
    const guesses = Array.from({ length: 15 }, () => randomToken());
    const answers = guesses.map((one) => guess(one, guesser, "203.0.113.7"));
    for (const { code } of await Promise.all(answers)) said.add(code);
  }
  expect(said).toContain("AUTH_RATE_LIMITED");
  const owned = await make();
  expect((await guess(owned.bootstrapToken, guesser, "203.0.113.7")).code).toBe(
    "AUTH_RATE_LIMITED",
  );
  expect((await guess(owned.bootstrapToken, createDevice(), "198.51.100.7")).ok).toBe(true);
  // A device that comes again and again with what it has does not guess.
  const stale = randomToken();
  for (let batch = 0; batch < 5; batch += 1) {
    const tries = Array.from({ length: 15 }, () => {
      return visit({ auth: { deviceToken: stale } }, patient, { ip: "198.51.100.9" });
    });
    for (const { code } of await Promise.all(tries)) expect(code).not.toBe("AUTH_RATE_LIMITED");
  }
});
