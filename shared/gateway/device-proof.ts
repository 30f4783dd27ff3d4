/**
 * How a device proves itself in `connect`: an Ed25519 signature over what it asks for, the token
 * it shows and the nonce of the challenge. Pure but for Web Crypto.
 *
 * Source: packages/gateway-client/src/device-auth.ts and
 * src/gateway/server/ws-connection/connect-device-proof.ts of OpenClaw 2026.9.6.
 */
import { fromBase64Url, toHex, utf8 } from "../bytes.ts";
import type { ConnectParams, DeviceProof } from "./connect-params.ts";

/** Asked of a client before it says `connect`. */
export interface Challenge {
  readonly nonce: string;
  /** Unix ms. */
  readonly ts: number;
}

/** In the order in which they are looked for. */
export type ProofFault =
  | "device-id-mismatch"
  | "device-signature-stale"
  | "device-nonce-missing"
  | "device-nonce-mismatch"
  | "device-signature";

/** Age, either way, at which a signature is refused. */
export const PROOF_SKEW_MS = 120_000;
const KEY_BYTES = 32;

type Claimed = Pick<ConnectParams, "client" | "role" | "scopes" | "auth">;

/** What the device may have signed: the form of this year, and that of the one before. Pure. */
export function proofPayloads(
  device: Pick<DeviceProof, "id" | "signedAt" | "nonce">,
  { client, role, scopes, auth }: Claimed,
): readonly [v3: string, v2: string] {
  const token = auth.token ?? auth.deviceToken ?? auth.bootstrapToken ?? "";
  const said = [device.id, client.id, client.mode, role, scopes.join(","), device.signedAt, token];
  const v2 = [...said, device.nonce].join("|");
  return [`v3|${v2}|${normal(client.platform)}|${normal(client.deviceFamily ?? "")}`, `v2|${v2}`];
}

/**
 * What is wrong with a proof before its signature is looked at. Pure.
 *
 * @param derivedId - Hex SHA-256 of the public key; undefined for a key that is none.
 * @param now - Unix ms.
 */
export function proofFault(
  device: DeviceProof,
  derivedId: string | undefined,
  nonce: string,
  now: number,
): ProofFault | undefined {
  if (derivedId !== device.id) return "device-id-mismatch";
  if (Math.abs(now - device.signedAt) > PROOF_SKEW_MS) return "device-signature-stale";
  if (device.nonce.trim() === "") return "device-nonce-missing";
  if (device.nonce.trim() !== nonce) return "device-nonce-mismatch";
  return undefined;
}

/** The raw 32 bytes of a device's public key; undefined for what is no key. */
export function rawDeviceKey(publicKey: string): Uint8Array<ArrayBuffer> | undefined {
  const raw = fromBase64Url(publicKey.replace(/=+$/, ""));
  return raw?.byteLength === KEY_BYTES ? raw : undefined;
}

/**
 * Checks the proof of a device against the challenge it was given.
 *
 * @param now - Unix ms.
 * @returns Undefined when it is good.
 */
export async function checkDeviceProof(
  device: DeviceProof,
  claimed: Claimed,
  nonce: string,
  now: number,
): Promise<ProofFault | undefined> {
  const raw = rawDeviceKey(device.publicKey);
  const derivedId = raw && toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", raw)));
  const fault = proofFault(device, derivedId, nonce, now);
  if (fault !== undefined || raw === undefined) return fault;
  const signature = fromBase64Url(device.signature.replace(/=+$/, ""));
  if (signature === undefined) return "device-signature";
  try {
    const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
    for (const payload of proofPayloads(device, claimed)) {
      if (await crypto.subtle.verify("Ed25519", key, signature, utf8(payload))) return undefined;
    }
  } catch {
    // 32 bytes that are no point of the curve.
  }
  return "device-signature";
}

/** ASCII letters alone: others have no lower case that all languages agree on. */
function normal(text: string): string {
  return text.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
