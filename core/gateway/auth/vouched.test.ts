import { expect, test } from "vitest";
import { createDevice, type TestDevice } from "../../../test/support/gateway-device.ts";
import { challengeIn } from "../../../test/support/gateway-refusals.ts";
import { connectFrame } from "../../../test/support/gateway-socket.ts";
import { type GatewayWorld, startGatewayWorld } from "../../../test/support/gateway-world.ts";

const UI = {
  client: { id: "openclaw-macos", version: "1", platform: "macos", mode: "ui" },
  role: "operator",
};

function config(deviceAutoApprove: object | undefined): object {
  const trustedProxy = {
    userHeader: "x-user",
    allowUsers: ["ada"],
    allowLoopback: true,
    ...(deviceAutoApprove === undefined ? {} : { deviceAutoApprove }),
  };
  return {
    gateway: { auth: { mode: "trusted-proxy", trustedProxy }, trustedProxies: ["127.0.0.1"] },
  };
}

interface Answer {
  readonly ok: boolean;
  readonly scopes: unknown;
  readonly code: unknown;
}

async function visit(
  it: GatewayWorld,
  change: object,
  { user = "ada", device = createDevice() }: { user?: string; device?: TestDevice } = {},
): Promise<Answer> {
  using client = await it.open("203.0.113.7", { "X-User": user });
  const { payload } = await client.frame({ event: "connect.challenge" });
  const { params } = connectFrame({ ...UI, ...change });
  client.send(connectFrame(device.prove(params, challengeIn(payload))));
  const answer = await client.frame({ type: "res" });
  return {
    ok: answer["ok"] === true,
    scopes: Object(Object(answer["payload"]).auth).scopes,
    code: Object(Object(answer["error"]).details).code,
  };
}

const ON = { enabled: true };
const READ = { enabled: true, scopes: ["operator.read"] };
const DEFAULT = ["operator.read", "operator.write", "operator.approvals", "operator.questions"];

test.each<[string, object, readonly string[], readonly string[]]>([
  ["what it asks for", ON, ["operator.read"], ["operator.read"]],
  ["no more than is set", ON, ["operator.read", "operator.admin"], ["operator.read"]],
  ["all that is set, where it asks for nothing", ON, [], DEFAULT],
  ["less where less is set", READ, ["operator.read", "operator.write"], ["operator.read"]],
])("an interface of a user of the proxy is paired with %s", async (_name, policy, asks, gets) => {
  await using it = await startGatewayWorld(config(policy));
  const device = createDevice();
  expect(await visit(it, { scopes: asks }, { device })).toMatchObject({ ok: true, scopes: gets });
  expect(await visit(it, { scopes: asks }, { device })).toMatchObject({ ok: true });
});

test("who was let in with less has more without a word, up to what is set", async () => {
  await using it = await startGatewayWorld(config(ON));
  const device = createDevice();
  await visit(it, { scopes: ["operator.read"] }, { device });
  const more = await visit(it, { scopes: ["operator.write", "operator.admin"] }, { device });
  expect(more).toMatchObject({ ok: true, scopes: ["operator.write"] });
});

const NODE = { role: "node", scopes: [] };
const CLI = { client: { ...UI.client, id: "cli", mode: "cli" }, scopes: ["operator.read"] };

test.each<[string, object | undefined, object, string | undefined, unknown]>([
  ["where it is not set", undefined, { scopes: ["operator.read"] }, undefined, "PAIRING_REQUIRED"],
  [
    "where it is off",
    { enabled: false },
    { scopes: ["operator.read"] },
    undefined,
    "PAIRING_REQUIRED",
  ],
  ["of a node", ON, NODE, undefined, "PAIRING_REQUIRED"],
  ["of a program that is no interface", ON, CLI, undefined, "PAIRING_REQUIRED"],
  ["of another user", ON, { scopes: ["operator.read"] }, "eve", "AUTH_TOKEN_MISSING"],
])("nobody is paired by it %s", async (_name, policy, change, user, code) => {
  await using it = await startGatewayWorld(config(policy));
  expect(await visit(it, change, user === undefined ? {} : { user })).toMatchObject({ code });
});

test("a device that says it is of another kind by now waits for a word", async () => {
  await using it = await startGatewayWorld(config(ON));
  const device = createDevice();
  await visit(it, { scopes: ["operator.read"] }, { device });
  const other = { client: { ...UI.client, platform: "linux" } };
  for (const scopes of [["operator.read"], ["operator.write"]]) {
    expect(await visit(it, { ...other, scopes }, { device })).toMatchObject({
      code: "PAIRING_REQUIRED",
    });
  }
});
