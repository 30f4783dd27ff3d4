import { expect, test } from "vitest";
import { createDevice, type TestDevice } from "../../../test/support/gateway-device.ts";
import { challengeIn, MISSTEPS, take } from "../../../test/support/gateway-refusals.ts";
import { connectFrame, type GatewaySocket } from "../../../test/support/gateway-socket.ts";
import {
  GATEWAY_TOKEN as token,
  type GatewayWorld,
  startGatewayWorld,
} from "../../../test/support/gateway-world.ts";

const REMOTE = "203.0.113.7";
const CONFIG = { gateway: { auth: { token }, trustedProxies: ["127.0.0.1"] } };
const OPERATOR = { auth: { token } };

interface Visit {
  readonly device?: TestDevice;
  readonly ip?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: "v2" | "v3";
}

type Frame = Readonly<Record<string, unknown>>;

/** Connects and says `connect`; the answer, and the socket for more. */
async function visit(
  it: GatewayWorld,
  params: object,
  { device, ip, headers, form = "v3" }: Visit = {},
): Promise<{ readonly client: GatewaySocket; readonly answer: Frame }> {
  const client = await it.open(ip, headers);
  const { payload } = await client.frame({ event: "connect.challenge" });
  const frame = connectFrame(params);
  const asked = challengeIn(payload);
  const signed = device?.prove(frame["params"], asked, { form }) ?? frame["params"];
  client.send({ ...frame, params: signed });
  return { client, answer: await client.frame({ type: "res" }) };
}

async function call(client: GatewaySocket, method: string, params: object): Promise<Frame> {
  const id = `${method}-${client.frames.length}`;
  client.send({ type: "req", id, method, params });
  return client.frame({ type: "res", id });
}

test.each(MISSTEPS.map((one) => [one.name, one] as const))(
  "%s is answered as the protocol says",
  async (_name, misstep) => {
    await using it = await startGatewayWorld(CONFIG);
    using client = await it.open();
    expect(await take(client, misstep, token)).toEqual(misstep.refused);
  },
);

test.each(["v2", "v3"] as const)("a signature in the form %s is taken", async (form) => {
  await using it = await startGatewayWorld(CONFIG);
  const { answer } = await visit(it, OPERATOR, { device: createDevice(), form });
  expect(answer).toMatchObject({ ok: true, payload: { auth: { scopes: ["operator.read"] } } });
});

test("a signature that was heard elsewhere opens nothing", async () => {
  await using it = await startGatewayWorld(CONFIG);
  const device = createDevice();
  using first = await it.open();
  const heard = challengeIn((await first.frame({ event: "connect.challenge" }))["payload"]);
  const frame = connectFrame(OPERATOR);
  const signed = { ...frame, params: device.prove(frame["params"], heard) };
  using second = await it.open();
  await second.frame({ event: "connect.challenge" });
  second.send(signed);
  expect(await second.frame({ type: "res" })).toMatchObject({
    ok: false,
    error: { details: { code: "DEVICE_AUTH_NONCE_MISMATCH" } },
  });
  first.send(signed);
  expect(await first.frame({ type: "res" })).toMatchObject({ ok: true });
});

test("a device of another place waits for somebody's word, and is told so each time with one id", async () => {
  await using it = await startGatewayWorld(CONFIG);
  const owner = await visit(it, { ...OPERATOR, scopes: ["operator.admin"] });
  const device = createDevice();
  const asks = { device, ip: REMOTE };
  const first = await visit(it, OPERATOR, asks);
  expect(first.answer).toMatchObject({
    ok: false,
    error: {
      code: "NOT_PAIRED",
      details: {
        code: "PAIRING_REQUIRED",
        reason: "not-paired",
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        deviceId: device.id,
        requestedRole: "operator",
        requestedScopes: ["operator.read"],
        remediationHint: expect.any(String),
      },
    },
  });
  const requested = await owner.client.frame({ event: "device.pair.requested" });
  const { requestId } = Object(requested["payload"]);
  expect(requested["payload"]).toMatchObject({ deviceId: device.id, remoteIp: REMOTE });
  const { code, reason } = await first.client.ended;
  expect({ code, reason }).toEqual({ code: 1008, reason: expect.stringContaining(requestId) });
  expect(it.log).toContainEqual(
    expect.objectContaining({ approve: `sallyport devices approve ${requestId}`, ip: REMOTE }),
  );

  const second = await visit(it, OPERATOR, asks);
  expect(second.answer).toMatchObject({ error: { details: { requestId } } });
  const approved = await call(owner.client, "device.pair.approve", { requestId });
  expect(approved).toMatchObject({
    ok: true,
    payload: { requestId, device: { approvedVia: "owner" } },
  });
  await owner.client.frame({ event: "device.pair.resolved" });

  const third = await visit(it, OPERATOR, asks);
  const { deviceToken } = Object(Object(third.answer["payload"])["auth"]);
  expect(deviceToken).toMatch(/^[\w-]{43}$/);
  expect(JSON.stringify(await call(owner.client, "device.pair.list", {}))).not.toContain(
    deviceToken,
  );

  for (const auth of [{ deviceToken }, { token: deviceToken }]) {
    const back = await visit(it, { auth, scopes: [] }, asks);
    expect(back.answer).toMatchObject({ ok: true, payload: { auth: { scopes: [], deviceToken } } });
  }
  const wider = await visit(it, { auth: { deviceToken }, scopes: ["operator.admin"] }, asks);
  expect(wider.answer).toMatchObject({ error: { details: { code: "AUTH_SCOPE_MISMATCH" } } });
  const upgrade = await visit(it, { ...OPERATOR, scopes: ["operator.admin"] }, asks);
  expect(upgrade.answer).toMatchObject({
    error: { details: { reason: "scope-upgrade", approvedScopes: ["operator.read"] } },
  });
  const stolen = await visit(it, { auth: { deviceToken } }, { device: createDevice(), ip: REMOTE });
  expect(stolen.answer).toMatchObject({
    error: { details: { code: "AUTH_DEVICE_TOKEN_MISMATCH" } },
  });
});

test.each<[string, object, Visit, object]>([
  [
    "a page in a browser that is no interface of ours",
    { ...OPERATOR, client: { id: "test", version: "1", platform: "x", mode: "test" } },
    { headers: { Origin: "http://127.0.0.1:3000" } },
    { details: { code: "PAIRING_REQUIRED", reason: "not-paired" } },
  ],
  [
    "an interface without a device",
    {
      ...OPERATOR,
      client: { id: "openclaw-control-ui", version: "1", platform: "x", mode: "webchat" },
    },
    { headers: { Origin: "http://127.0.0.1:3000" } },
    { details: { code: "CONTROL_UI_DEVICE_IDENTITY_REQUIRED" } },
  ],
  [
    "an interface that comes from no page",
    {
      ...OPERATOR,
      client: { id: "openclaw-control-ui", version: "1", platform: "x", mode: "webchat" },
    },
    {},
    { details: { code: "CONTROL_UI_ORIGIN_NOT_ALLOWED" } },
  ],
  ["a role that is none", { ...OPERATOR, role: "king" }, {}, { message: "invalid role" }],
])("%s is refused on this machine too", async (name, params, how, error) => {
  await using it = await startGatewayWorld(CONFIG);
  const device = name.startsWith("a page") ? createDevice() : undefined;
  const { answer } = await visit(it, params, { ...how, device });
  expect(answer).toMatchObject({ ok: false, error });
});

test("an interface of ours with a device is let in by its page, without a word", async () => {
  await using it = await startGatewayWorld(CONFIG);
  const client = { id: "openclaw-control-ui", version: "1", platform: "Linux", mode: "webchat" };
  const how = { device: createDevice(), headers: { Origin: "http://127.0.0.1:18789" } };
  const { answer } = await visit(it, { ...OPERATOR, client }, how);
  expect(answer).toMatchObject({ ok: true, payload: { auth: { scopes: ["operator.read"] } } });
});

test("an operator of this machine grows without a word, but does not become a node", async () => {
  await using it = await startGatewayWorld(CONFIG);
  const device = createDevice();
  const first = await visit(it, OPERATOR, { device });
  expect(first.answer).toMatchObject({ ok: true });
  const more = await visit(it, { ...OPERATOR, scopes: ["operator.admin"] }, { device });
  expect(more.answer).toMatchObject({
    ok: true,
    payload: { auth: { scopes: ["operator.admin"] } },
  });
  const node = await visit(it, { ...OPERATOR, role: "node", scopes: [] }, { device });
  expect(node.answer).toMatchObject({ error: { details: { reason: "role-upgrade" } } });
});

test("with silent pairing off, programs of this machine wait like others", async () => {
  const nodes = { pairing: { autoApproveLocal: false, autoApproveCidrs: ["203.0.113.0/24"] } };
  await using it = await startGatewayWorld({ gateway: { ...CONFIG.gateway, nodes } });
  const local = await visit(it, OPERATOR, { device: createDevice() });
  expect(local.answer).toMatchObject({ error: { details: { reason: "not-paired" } } });
  const node = { ...OPERATOR, role: "node", scopes: [] };
  const near = await visit(it, node, { device: createDevice(), ip: REMOTE });
  expect(near.answer).toMatchObject({ ok: true });
  const operator = await visit(it, OPERATOR, { device: createDevice(), ip: REMOTE });
  expect(operator.answer).toMatchObject({ error: { details: { reason: "not-paired" } } });
});

test("without a device a caller of another place may connect and do nothing", async () => {
  await using it = await startGatewayWorld(CONFIG);
  const { client, answer } = await visit(it, OPERATOR, { ip: REMOTE });
  expect(answer).toMatchObject({ ok: true, payload: { auth: { scopes: [] } } });
  expect(await call(client, "device.pair.list", {})).toMatchObject({
    error: { code: "FORBIDDEN" },
  });
});

test("a device that is no administrator looks after itself alone", async () => {
  await using it = await startGatewayWorld(CONFIG);
  const [device, other] = [createDevice(), createDevice()];
  const scopes = ["operator.pairing"];
  const own = await visit(it, { ...OPERATOR, scopes }, { device });
  await visit(it, OPERATOR, { device: other });
  expect(await call(own.client, "device.pair.list", {})).toMatchObject({
    payload: { paired: [{ deviceId: device.id }] },
  });
  for (const [method, params] of [
    ["device.pair.remove", { deviceId: other.id }],
    ["device.pair.rename", { deviceId: other.id, label: "mine" }],
    ["device.token.rotate", { deviceId: other.id, role: "operator" }],
    ["device.token.revoke", { deviceId: other.id, role: "operator" }],
  ] as const) {
    expect(await call(own.client, method, params)).toMatchObject({
      error: { code: "INVALID_REQUEST", message: expect.stringContaining("denied") },
    });
  }
  const rotated = await call(own.client, "device.token.rotate", {
    deviceId: device.id,
    role: "operator",
  });
  expect(rotated).toMatchObject({
    payload: { tokenDelivery: "in-band", token: expect.any(String) },
  });
  expect(await own.client.ended).toMatchObject({ code: 1008 });
});

test("a device asks for more while it is here, and gets it when somebody says yes", async () => {
  await using it = await startGatewayWorld(CONFIG);
  const owner = await visit(it, { ...OPERATOR, scopes: ["operator.admin"] });
  const device = createDevice();
  const { client } = await visit(it, OPERATOR, { device });
  const scopes = ["operator.read", "operator.write"];
  const asked = await call(client, "device.scopes.requestUpgrade", { scopes });
  const { requestId } = Object(asked["payload"]);
  const waiting = call(client, "device.scopes.waitUpgrade", { requestId });
  await owner.client.frame({ event: "device.pair.requested" });
  await call(owner.client, "device.pair.approve", { requestId });
  const upgraded = await waiting;
  expect(upgraded).toMatchObject({ payload: { status: "approved", requestId, scopes } });
  const { deviceToken } = Object(upgraded["payload"]);
  const back = await visit(it, { auth: { deviceToken }, scopes }, { device });
  expect(back.answer).toMatchObject({ ok: true, payload: { auth: { scopes } } });
});
