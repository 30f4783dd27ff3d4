/**
 * Tokens of devices. Each is made of a key of this gateway and what it is for, so that a device gets
 * the same one again at each greeting, and only its digest has to be kept. Pure.
 */
import { createHmac, hash } from "node:crypto";
import type { Secret } from "../../shared/secret.ts";
import type { Device, DeviceToken } from "../store/device.ts";

/** 43 characters of URL-safe base64: 256 bits. */
export function tokenOf(
  key: Secret,
  { deviceId, publicKey }: Pick<Device, "deviceId" | "publicKey">,
  { role, generation, createdAtMs }: Pick<DeviceToken, "role" | "generation" | "createdAtMs">,
): string {
  const facts = JSON.stringify([deviceId, publicKey, role, generation, createdAtMs]);
  return createHmac("sha256", key.reveal()).update(facts).digest("base64url");
}

/** As `digestOf` of shared/constant-time.ts, at once: a trip to the thread pool would cost more. */
export function tokenDigest(token: string): string {
  return hash("sha256", token, "base64url");
}

/**
 * A token of `device` for `role`, and what is kept of it.
 *
 * @param now - Unix ms.
 */
export function issue(
  key: Secret,
  device: Device,
  { role, scopes }: { readonly role: string; readonly scopes: readonly string[] },
  now: number,
): { readonly token: string; readonly entry: DeviceToken } {
  const before = device.tokens.find((one) => one.role === role);
  const generation = (before?.generation ?? 0) + 1;
  const createdAtMs = before?.createdAtMs ?? now;
  const token = tokenOf(key, device, { role, generation, createdAtMs });
  const rotated = before === undefined ? {} : { rotatedAtMs: now };
  const kept = { role, scopes: [...scopes], generation, createdAtMs, ...rotated };
  return { token, entry: { ...kept, digest: tokenDigest(token) } };
}

/** The same token again; undefined when it is no longer good, or was made with another key. */
export function sameAgain(key: Secret, device: Device, role: string): string | undefined {
  const entry = device.tokens.find((one) => one.role === role && one.revokedAtMs === undefined);
  if (entry === undefined) return undefined;
  const token = tokenOf(key, device, entry);
  return tokenDigest(token) === entry.digest ? token : undefined;
}

/** The device with this token in the place of the one it had in that role. */
export function withToken(device: Device, entry: DeviceToken): Device {
  const others = device.tokens.filter(({ role }) => role !== entry.role);
  return { ...device, tokens: [...others, entry] };
}
