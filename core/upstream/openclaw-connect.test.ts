import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { expect, test } from "vitest";
import { Secret } from "../../shared/secret.ts";
import { translateConnect } from "./openclaw-connect.ts";
import { type Claim, Device, isGenuine } from "./openclaw-device.ts";

const SECRETS = { token: new Secret("of-upstream"), deviceSecret: new Secret("of-devices") };
const NONCE = "6f0c1f0e-2f9e-4d4e-a4a0-6b1d6c3a7e51";
const CLIENT = { id: "openclaw-control-ui", version: "1", platform: "Linux", mode: "webchat" };
const SCOPES = ["operator.admin", "operator.read"];

function claimWith(token: string): Claim {
  const { id: clientId, mode: clientMode, platform } = CLIENT;
  return {
    clientId,
    clientMode,
    role: "operator",
    scopes: SCOPES,
    token,
    platform,
    deviceFamily: "",
  };
}

/** Signs as the reference client does. */
function deviceOf(privateKey: KeyObject, publicKey: KeyObject, token: string): Device {
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(12);
  const id = createHash("sha256").update(raw).digest("hex");
  const signedAt = 1_700_000_000_000;
  const scopes = SCOPES.join(",");
  const payload = `v3|${id}|${CLIENT.id}|webchat|operator|${scopes}|${signedAt}|${token}|${NONCE}|linux|`;
  const signature = sign(null, Buffer.from(payload), privateKey).toString("base64url");
  return { id, publicKey: raw.toString("base64url"), signature, signedAt, nonce: NONCE };
}

function connectFrame(change: object = {}): string {
  const params = {
    minProtocol: 4,
    maxProtocol: 4,
    client: CLIENT,
    role: "operator",
    scopes: SCOPES,
    auth: { token: "of-edge", password: "of-edge" },
    ...change,
  };
  return JSON.stringify({ type: "req", id: "1", method: "connect", params });
}

function paramsOf(frame: string | Uint8Array) {
  return JSON.parse(String(frame)).params;
}

test("the first frame carries the upstream's token and nothing of the client's", () => {
  const frame = translateConnect(SECRETS).fromClient(connectFrame());
  expect(paramsOf(frame)).toEqual({
    minProtocol: 4,
    maxProtocol: 4,
    client: CLIENT,
    role: "operator",
    scopes: SCOPES,
    auth: { token: "of-upstream" },
  });
});

test("a frame without credentials gets one", () => {
  const frame = translateConnect(SECRETS).fromClient(connectFrame({ auth: undefined }));
  expect(paramsOf(frame).auth).toEqual({ token: "of-upstream" });
});

test("a device that proves itself is stood in for by one of ours, always the same", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const device = deviceOf(privateKey, publicKey, "of-edge");
  const first = paramsOf(translateConnect(SECRETS).fromClient(connectFrame({ device }))).device;
  const second = paramsOf(translateConnect(SECRETS).fromClient(connectFrame({ device }))).device;
  expect(first).toEqual(second);
  expect(first.id).not.toBe(device.id);
  expect(first).toMatchObject({ nonce: NONCE, signedAt: device.signedAt });
  expect(isGenuine(Device.parse(first), claimWith("of-upstream"))).toBe(true);

  const other = generateKeyPairSync("ed25519");
  const theirs = deviceOf(other.privateKey, other.publicKey, "of-edge");
  const frame = translateConnect(SECRETS).fromClient(connectFrame({ device: theirs }));
  expect(paramsOf(frame).device.id).not.toBe(first.id);
});

test("for a client that the edge has greeted the stand-in answers the upstream's own challenge", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const device = deviceOf(privateKey, publicKey, "of-edge");
  const challenge = { nonce: "of-the-upstream", ts: 1_700_000_050_000 };
  const frame = translateConnect(SECRETS, challenge).fromClient(connectFrame({ device }));
  const stand = Device.parse(paramsOf(frame).device);
  expect(stand).toMatchObject({ nonce: "of-the-upstream", signedAt: challenge.ts });
  expect(isGenuine(stand, claimWith("of-upstream"))).toBe(true);
  const usual = paramsOf(translateConnect(SECRETS).fromClient(connectFrame({ device }))).device;
  expect(stand.id).toBe(usual.id);
});

test.each([
  ["signed for another token", (device: Device) => device, "another"],
  ["that names another's id", (device: Device) => ({ ...device, id: "0".repeat(64) }), "of-edge"],
  ["with half a key", (device: Device) => ({ ...device, publicKey: "AAAA" }), "of-edge"],
  ["without a signature", (device: Device) => ({ ...device, signature: "" }), "of-edge"],
])("a device %s is left for the upstream to refuse", (_name, change, token) => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const device = change(deviceOf(privateKey, publicKey, token));
  const frame = translateConnect(SECRETS).fromClient(connectFrame({ device }));
  expect(paramsOf(frame).device).toEqual(device);
});

test.each([
  ["a binary message", Uint8Array.of(1, 2)],
  ["text that is no JSON", "hello"],
  ["another method", '{"type":"req","id":"1","method":"health"}'],
  ["a frame longer than the upstream reads", connectFrame({ extra: "x".repeat(70_000) })],
])("%s goes through as it is", (_name, message) => {
  expect(translateConnect(SECRETS).fromClient(message)).toBe(message);
});

test("only the first frame of a client is looked at", () => {
  const translation = translateConnect(SECRETS);
  translation.fromClient('{"type":"req","id":"1","method":"health"}');
  expect(translation.fromClient(connectFrame())).toBe(connectFrame());
});

test("the device token of our stand-in stays with us, all else of the greeting goes on", () => {
  const translation = translateConnect(SECRETS);
  const challenge = '{"type":"event","event":"connect.challenge","payload":{"nonce":"n"}}';
  expect(translation.fromUpstream(challenge)).toBe(challenge);
  translation.fromClient(connectFrame());
  const hello = {
    type: "res",
    id: "1",
    ok: true,
    payload: { type: "hello-ok", auth: { role: "operator", scopes: [], deviceToken: "secret" } },
  };
  expect(JSON.parse(String(translation.fromUpstream(JSON.stringify(hello))))).toEqual({
    ...hello,
    payload: { type: "hello-ok", auth: { role: "operator", scopes: [] } },
  });
  expect(translation.fromUpstream(JSON.stringify(hello))).toBe(JSON.stringify(hello));
});
