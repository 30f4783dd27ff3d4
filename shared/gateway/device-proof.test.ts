import { expect, test } from "vitest";
import { toBase64Url, toHex, utf8 } from "../bytes.ts";
import type { ConnectParams, DeviceProof } from "./connect-params.ts";
import { checkDeviceProof, PROOF_SKEW_MS, proofPayloads } from "./device-proof.ts";

const NOW = 1_700_000_000_000;
const NONCE = "056c6d46-153e-4b3d-beab-ebd52a9771ba";
const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
if (!("privateKey" in pair)) throw new Error("no pair");
const { privateKey } = pair;
const exported = await crypto.subtle.exportKey("raw", pair.publicKey);
const raw = new Uint8Array(exported instanceof ArrayBuffer ? exported : []);
const ID = await idOf(raw);

async function idOf(key: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", key)));
}

type Claimed = Pick<ConnectParams, "client" | "role" | "scopes" | "auth">;
const CLAIMED: Claimed = {
  client: { id: "cli", version: "1", platform: " Linux ", mode: "cli", deviceFamily: "MacBook Ä" },
  role: "operator",
  scopes: ["operator.read", "operator.write"],
  auth: { token: "t" },
};

async function proof(payload: string, change: Partial<DeviceProof> = {}): Promise<DeviceProof> {
  const signed = await crypto.subtle.sign("Ed25519", privateKey, utf8(payload));
  const signature = toBase64Url(new Uint8Array(signed));
  const said = { id: ID, publicKey: toBase64Url(raw), signedAt: NOW, nonce: NONCE };
  return { ...said, signature, ...change };
}

const V2 = `v2|${ID}|cli|cli|operator|operator.read,operator.write|${NOW}|t|${NONCE}`;
const V3 = `${V2.replace("v2", "v3")}|linux|macbook Ä`;

test("what a device signs is written as the reference client writes it", () => {
  expect(proofPayloads({ id: ID, signedAt: NOW, nonce: NONCE }, CLAIMED)).toEqual([V3, V2]);
});

test.each([
  [{ token: "a", deviceToken: "b", bootstrapToken: "c" }, "a"],
  [{ deviceToken: "b", bootstrapToken: "c" }, "b"],
  [{ bootstrapToken: "c", password: "p" }, "c"],
  [{ password: "p" }, ""],
])("of %j it signs %j", (auth, token) => {
  const [, v2] = proofPayloads({ id: "i", signedAt: 1, nonce: "n" }, { ...CLAIMED, auth });
  expect(v2.split("|").at(-2)).toBe(token);
});

test.each([
  ["of this year", V3],
  ["of the year before", V2],
])("a signature in the form %s is good", async (_name, payload) => {
  expect(await checkDeviceProof(await proof(payload), CLAIMED, NONCE, NOW)).toBeUndefined();
});

test("padding of either text does no harm", async () => {
  const { publicKey: key, signature } = await proof(V3);
  const padded = await proof(V3, { publicKey: `${key}=`, signature: `${signature}==` });
  expect(await checkDeviceProof(padded, CLAIMED, NONCE, NOW)).toBeUndefined();
});

test.each<[string, Promise<DeviceProof>, string]>([
  ["another id", proof(V3, { id: "0".repeat(64) }), "device-id-mismatch"],
  ["its id in capitals", proof(V3, { id: ID.toUpperCase() }), "device-id-mismatch"],
  ["a key that is too short", proof(V3, { publicKey: "AAAA" }), "device-id-mismatch"],
  ["a key that is no base64", proof(V3, { publicKey: "+".repeat(43) }), "device-id-mismatch"],
  [
    "a time too long ago",
    proof(V3, { signedAt: NOW - PROOF_SKEW_MS - 1 }),
    "device-signature-stale",
  ],
  ["a time to come", proof(V3, { signedAt: NOW + PROOF_SKEW_MS + 1 }), "device-signature-stale"],
  ["no nonce", proof(V3, { nonce: "" }), "device-nonce-missing"],
  ["another nonce", proof(V3, { nonce: `${NONCE}x` }), "device-nonce-mismatch"],
  ["no signature", proof(V3, { signature: "" }), "device-signature"],
  ["a signature that is no base64", proof(V3, { signature: "*" }), "device-signature"],
  ["a signature over something else", proof(`${V3}x`), "device-signature"],
  ["a time that was not signed", proof(V3, { signedAt: NOW + 1 }), "device-signature"],
])("a proof with %s is none", async (_name, device, fault) => {
  expect(await checkDeviceProof(await device, CLAIMED, NONCE, NOW)).toBe(fault);
});

test("32 bytes that are no key of the curve sign nothing", async () => {
  const none = new Uint8Array(32).fill(0xff);
  const device = await proof(V3, { id: await idOf(none), publicKey: toBase64Url(none) });
  expect(await checkDeviceProof(device, CLAIMED, NONCE, NOW)).toBe("device-signature");
});

test.each<[string, Partial<Claimed>]>([
  ["role", { role: "node" }],
  ["scopes", { scopes: ["operator.admin"] }],
  ["token", { auth: { token: "another" } }],
  ["client", { client: { ...CLAIMED.client, id: "test" } }],
])("a signature says nothing of another %s", async (_name, change) => {
  const device = await proof(V2);
  const claimed = { ...CLAIMED, ...change };
  expect(await checkDeviceProof(device, claimed, NONCE, NOW)).toBe("device-signature");
});
