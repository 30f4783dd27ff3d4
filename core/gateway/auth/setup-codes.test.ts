import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createDevice, type TestDevice } from "../../../test/support/gateway-device.ts";
import { challengeIn } from "../../../test/support/gateway-refusals.ts";
import { connectFrame, type GatewaySocket } from "../../../test/support/gateway-socket.ts";
import {
  GATEWAY_TOKEN as token,
  type GatewayWorld,
  startGatewayWorld,
} from "../../../test/support/gateway-world.ts";

const REMOTE = "203.0.113.7";
const ORIGIN = "https://gateway.example";
const CONFIG = {
  gateway: { auth: { token }, trustedProxies: ["127.0.0.1"], publicOrigin: ORIGIN },
};
const NODE = { role: "node", scopes: [] };
const OPERATOR = { role: "operator", scopes: ["operator.read"] };

interface Visit {
  readonly ip?: string | undefined;
  readonly device?: TestDevice | undefined;
}

interface Answer {
  readonly ok: boolean;
  readonly auth: Readonly<Record<string, unknown>>;
  readonly code: string;
}

async function visit(it: GatewayWorld, params: object, who: Visit = {}): Promise<Answer> {
  const { ip = REMOTE, device } = who;
  using client = await it.open(ip === "" ? undefined : ip);
  const { payload } = await client.frame({ event: "connect.challenge" });
  const frame = connectFrame(params);
  const signed = device?.prove(frame["params"], challengeIn(payload)) ?? frame["params"];
  client.send({ ...frame, params: signed });
  const answer = await client.frame({ type: "res" });
  return {
    ok: answer["ok"] === true,
    auth: Object(Object(answer["payload"]).auth),
    code: String(Object(Object(answer["error"]).details).code),
  };
}

/** Somebody who may make codes. */
async function owner(it: GatewayWorld): Promise<{
  readonly client: GatewaySocket;
  readonly call: (method: string, params?: object) => Promise<Record<string, unknown>>;
}> {
  const client = await it.open();
  await client.frame({ event: "connect.challenge" });
  client.send(connectFrame({ auth: { token }, scopes: ["operator.admin"] }));
  await client.frame({ type: "res", ok: true });
  let count = 0;
  return {
    client,
    async call(method, params = {}) {
      const id = `call-${(count += 1)}`;
      client.send({ type: "req", id, method, params });
      const { ok, payload, error } = await client.frame({ type: "res", id });
      return ok === true ? Object(payload) : { error };
    },
  };
}

/** What a phone reads. */
function read(code: unknown): { readonly url: string; readonly bootstrapToken: string } {
  return JSON.parse(Buffer.from(String(code), "base64url").toString());
}

async function world() {
  const it = await startGatewayWorld(CONFIG);
  const { client, call } = await owner(it);
  const make = async (params: object = {}) => {
    const made = await call("device.pair.setupCode", params);
    const { bootstrapToken } = read(made["setupCode"]);
    return { made, bootstrapToken, auth: { bootstrapToken } };
  };
  return { it, client, call, make, [Symbol.asyncDispose]: () => it[Symbol.asyncDispose]() };
}

test("a phone that shows a code is let in as a node, and handed an operator's token as well", async () => {
  await using all = await world();
  const { it, make, call, client } = all;
  const { made, bootstrapToken, auth } = await make();
  expect(made).toMatchObject({
    gatewayUrl: "wss://gateway.example",
    access: "full",
    auth: "token",
  });
  expect(read(made["setupCode"])).toEqual({ url: "wss://gateway.example", bootstrapToken });
  const device = createDevice();
  const first = await visit(it, { ...NODE, auth }, { device });
  expect(first.auth).toMatchObject({
    method: "bootstrap-token",
    role: "node",
    scopes: [],
    deviceToken: expect.stringMatching(/^[\w-]{43}$/),
    deviceTokens: [{ role: "operator", scopes: expect.arrayContaining(["operator.admin"]) }],
  });
  const { setupId } = made;
  const completion = { setupId, deviceId: device.id, access: "full", ts: expect.any(Number) };
  expect(await call("device.pair.setupStatus", { setupId })).toMatchObject({ completion });
  const told = await client.frame({ event: "device.pair.setup.completed" });
  expect(told["payload"]).toMatchObject(completion);
  const { deviceToken } = first.auth;
  const back = await visit(it, { ...NODE, auth: { deviceToken } }, { device });
  expect(back.auth).toMatchObject({ method: "device-token", role: "node" });
  const [handed] = Array.isArray(first.auth["deviceTokens"]) ? first.auth["deviceTokens"] : [];
  const second = await visit(
    it,
    { auth: { deviceToken: Object(handed).deviceToken }, scopes: ["operator.admin"] },
    { device },
  );
  expect(second).toMatchObject({ ok: true, auth: { role: "operator" } });
  const { pending } = await call("device.pair.list");
  expect(pending).toEqual([]);
});

test("a code is good once, whoever comes next and the same device again", async () => {
  await using all = await world();
  const { auth } = await all.make();
  const device = createDevice();
  expect((await visit(all.it, { ...OPERATOR, auth }, { device })).ok).toBe(true);
  for (const next of [device, createDevice()]) {
    const again = await visit(all.it, { ...OPERATOR, auth }, { device: next });
    expect(again.code).toBe("AUTH_BOOTSTRAP_TOKEN_INVALID");
  }
});

test("of many who show one code at the same time one is let in", async () => {
  await using all = await world();
  const { auth } = await all.make();
  const all20 = Array.from({ length: 20 }, () =>
    visit(all.it, { ...OPERATOR, auth }, { device: createDevice() }),
  );
  const oks = (await Promise.all(all20)).filter(({ ok }) => ok);
  expect(oks).toHaveLength(1);
});

test.each<[string, object, object, string]>([
  [
    "an administrator, by a limited one",
    { bootstrapProfile: "limited" },
    { scopes: ["operator.admin"] },
    "PAIRING_REQUIRED",
  ],
  ["an operator, by one for a node", { bootstrapProfile: "node" }, OPERATOR, "PAIRING_REQUIRED"],
  ["a node with scopes", {}, { role: "node", scopes: ["operator.read"] }, "PAIRING_REQUIRED"],
])("a code lets nobody be more than it says: %s", async (_name, profile, asks, code) => {
  await using all = await world();
  const { auth } = await all.make(profile);
  const device = createDevice();
  // Also not on this machine, where others are let in without a word.
  for (const ip of [REMOTE, ""]) {
    expect((await visit(all.it, { ...asks, auth }, { device, ip })).code).toBe(code);
  }
  const { pending } = await all.call("device.pair.list");
  expect(pending).toMatchObject([{ deviceId: device.id }]);
  // It was not used up: what it is for it is good for.
  expect((await visit(all.it, { ...NODE, auth }, { device })).ok).toBe(true);
});

test("a code for a node brings no operator back whose token was revoked", async () => {
  await using all = await world();
  const { it, make, call } = all;
  const device = createDevice();
  await visit(it, { ...OPERATOR, auth: (await make()).auth }, { device });
  expect(
    await call("device.token.revoke", { deviceId: device.id, role: "operator" }),
  ).toMatchObject({ role: "operator" });
  const { auth } = await make({ bootstrapProfile: "node" });
  const again = await visit(it, { ...OPERATOR, auth }, { device });
  expect(again.code).toBe("AUTH_BOOTSTRAP_TOKEN_INVALID");
  expect((await visit(it, { ...NODE, auth }, { device })).ok).toBe(true);
});

test("without a device, without its proof, or over HTTP a code opens nothing", async () => {
  await using all = await world();
  const { auth, bootstrapToken } = await all.make();
  expect((await visit(all.it, { ...OPERATOR, auth })).code).toBe("DEVICE_IDENTITY_REQUIRED");
  for (const field of ["token", "password", "deviceToken"]) {
    const shown = { auth: { [field]: bootstrapToken }, ...OPERATOR };
    const { code } = await visit(all.it, shown, { device: createDevice() });
    expect(code).toMatch(/MISMATCH$/);
  }
  const response = await all.it.fetch("/v1/models", {
    headers: { Authorization: `Bearer ${bootstrapToken}` },
  });
  expect(response.status).toBe(401);
});

test("codes that were taken back are as good as none, and guessing them locks out", async () => {
  await using all = await world();
  const first = await all.make();
  const second = await all.make();
  expect(await all.call("device.pair.setupRevoke", { setupId: first.made["setupId"] })).toEqual({
    revoked: 1,
  });
  const device = createDevice();
  expect((await visit(all.it, { ...OPERATOR, auth: first.auth }, { device })).ok).toBe(false);
  expect(await all.call("device.pair.setupRevoke")).toEqual({ revoked: 1 });
  const codes: string[] = [];
  for (let tries = 0; tries < 10; tries += 1) {
    const auth = tries === 0 ? second.auth : { bootstrapToken: `guess-${tries}` };
    codes.push((await visit(all.it, { ...OPERATOR, auth }, { device })).code);
  }
  expect(new Set(codes)).toEqual(new Set(["AUTH_BOOTSTRAP_TOKEN_INVALID", "AUTH_RATE_LIMITED"]));
  const third = await all.make();
  const late = await visit(all.it, { ...OPERATOR, auth: third.auth }, { device });
  expect(late.code).toBe("AUTH_RATE_LIMITED");
  const elsewhere = { device, ip: "198.51.100.9" };
  expect((await visit(all.it, { ...OPERATOR, auth: third.auth }, elsewhere)).ok).toBe(true);
});

test("who is no administrator makes none, and no token is kept or logged", async () => {
  await using all = await world();
  const { bootstrapToken } = await all.make();
  const files = await Promise.all(
    ["sallyport.sqlite", "sallyport.sqlite-wal"].map((name) =>
      readFile(join(all.it.home, ".openclaw", name)).catch(() => Buffer.alloc(0)),
    ),
  );
  expect(Buffer.concat(files).includes(bootstrapToken)).toBe(false);
  expect(JSON.stringify(all.it.log)).not.toContain(bootstrapToken);
  const client = await all.it.open();
  await client.frame({ event: "connect.challenge" });
  client.send(connectFrame({ auth: { token }, scopes: ["operator.pairing", "operator.write"] }));
  await client.frame({ type: "res", ok: true });
  client.send({ type: "req", id: "2", method: "device.pair.setupCode", params: {} });
  expect(await client.frame({ id: "2" })).toMatchObject({ ok: false });
});
