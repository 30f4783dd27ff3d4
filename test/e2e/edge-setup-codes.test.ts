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

async function visit(params: object, device?: TestDevice, base = edge.url): Promise<Answer> {
  const client = parts.use(await openGatewaySocket(base));
  const { payload } = await client.frame({ event: "connect.challenge" });
  const frame = connectFrame(params);
  const signed = device?.prove(frame["params"], challengeIn(payload)) ?? frame["params"];
  client.send({ ...frame, params: signed });
  const answer = await client.frame({ type: "res" });
  const { details, retryable } = Object(answer["error"]);
  return {
    client,
    ok: answer["ok"] === true,
    auth: Object(Object(answer["payload"]).auth),
    code: retryable === true ? "RETRY" : String(Object(details).code),
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
  const local = await visit({ ...NODE, auth: used }, createDevice(), new URL(gateway.url));
  expect(local.code).toBe("AUTH_BOOTSTRAP_TOKEN_INVALID");
  const again = await patiently({ ...NODE, auth: used }, createDevice());
  expect(again.code).toBe("AUTH_BOOTSTRAP_TOKEN_INVALID");

  const auth = await make();
  const doors = [edge.url, new URL(gateway.url), edge.url, new URL(gateway.url)];
  const both = await Promise.all(
    doors.map((door) => visit({ ...NODE, auth }, createDevice(), door)),
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
  expect(response.status).toBe(401);
});
