/**
 * Device identities of OpenClaw's WebSocket protocol. A device signs its `connect` together with
 * the token, so whoever puts in another token must sign again: with a device of our own that
 * stands for the client's, always the same one for the same client. Pure.
 *
 * Source: packages/gateway-client/src/device-auth.ts of OpenClaw 2026.9.6.
 */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import * as z from "zod";
import type { Secret } from "../../shared/secret.ts";

export const Device = z.looseObject({
  /** SHA-256 of the raw public key, hex. */
  id: z.string().max(128),
  /** The 32 raw bytes, URL-safe base64. */
  publicKey: z.string().max(128),
  signature: z.string().max(256),
  signedAt: z.number(),
  nonce: z.string().max(256),
});
export type Device = z.output<typeof Device>;

/** What a device signs beside its own id, time and nonce. */
export interface Claim {
  readonly clientId: string;
  readonly clientMode: string;
  readonly role: string;
  readonly scopes: readonly string[];
  /** The one the frame carries; empty when there is none. */
  readonly token: string;
  readonly platform: string;
  readonly deviceFamily: string;
}

/** DER of an Ed25519 key up to its 32 raw bytes (RFC 8410 section 7 and 4). */
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const KEY_BYTES = 32;

/** The device has signed this very claim, in the form of this year or of the one before. */
export function isGenuine(device: Device, claim: Claim): boolean {
  const raw = Buffer.from(device.publicKey, "base64url");
  if (raw.byteLength !== KEY_BYTES || idOf(raw) !== device.id) return false;
  const key = createPublicKey({
    key: Buffer.concat([PUBLIC_PREFIX, raw]),
    format: "der",
    type: "spki",
  });
  const signature = Buffer.from(device.signature, "base64url");
  return [payloadV3(device, claim), payloadV2(device, claim)].some((payload) =>
    verify(null, Buffer.from(payload), key, signature),
  );
}

/** The device that stands for another one at the upstream, with `claim` signed by it. */
export function standIn(device: Device, claim: Claim, secret: Secret): Device {
  const seed = createHmac("sha256", secret.reveal()).update(`openclaw ${device.id}`).digest();
  const key = createPrivateKey({
    key: Buffer.concat([PRIVATE_PREFIX, seed]),
    format: "der",
    type: "pkcs8",
  });
  const raw = rawPublicKey(key);
  const unsigned = { ...device, id: idOf(raw), publicKey: raw.toString("base64url") };
  const signature = sign(null, Buffer.from(payloadV3(unsigned, claim)), key);
  return { ...unsigned, signature: signature.toString("base64url") };
}

function rawPublicKey(key: KeyObject): Buffer {
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return spki.subarray(PUBLIC_PREFIX.byteLength);
}

function idOf(raw: Uint8Array): string {
  return createHash("sha256").update(raw).digest("hex");
}

type Signed = Pick<Device, "id" | "signedAt" | "nonce">;

function payloadV2({ id, signedAt, nonce }: Signed, claim: Claim): string {
  const { clientId, clientMode, role, scopes, token } = claim;
  const parts = ["v2", id, clientId, clientMode, role, scopes.join(","), String(signedAt), token];
  return [...parts, nonce].join("|");
}

function payloadV3(device: Signed, claim: Claim): string {
  const v2 = payloadV2(device, claim).replace(/^v2/, "v3");
  return [v2, normal(claim.platform), normal(claim.deviceFamily)].join("|");
}

/** ASCII letters alone: others have no lower case that all languages agree on. */
function normal(text: string): string {
  return text.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
