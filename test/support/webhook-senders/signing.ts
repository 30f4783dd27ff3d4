/** What senders sign with, on node:crypto alone. */
import { createHmac, randomBytes } from "node:crypto";
import { utf8 } from "../../../shared/bytes.ts";
import { digestOf } from "../../../shared/constant-time.ts";
import type { Key, Sent } from "./sender.ts";

export type Keys<Value = string> = Readonly<Record<Key, Value>>;

/** Three of a kind. */
export function keysOf<Value>(make: () => Value): Keys<Value> {
  return { first: make(), second: make(), stranger: make() };
}

export function hexKeys(bytes = 16): Keys {
  return keysOf(() => randomBytes(bytes).toString("hex"));
}

/** @param prefix - What such a secret begins with, as `whsec_`. */
export function base64Keys(prefix = "", bytes = 32): Keys {
  return keysOf(() => prefix + randomBytes(bytes).toString("base64"));
}

/** The two that are live. */
export function live<Value>({ first, second }: Keys<Value>): Value[] {
  return [first, second];
}

/** What the edge may know of the two that are live. */
export function liveDigests({ first, second }: Keys): Promise<string[]> {
  return Promise.all([digestOf(first), digestOf(second)]);
}

export function hmacText(
  algorithm: string,
  key: string | Buffer,
  parts: readonly (string | Uint8Array)[],
  encoding: "hex" | "base64" | "base64url",
): string {
  const hmac = createHmac(algorithm, key);
  for (const part of parts) hmac.update(part);
  return hmac.digest(encoding);
}

/**
 * JSON as no printer of ours would write it: a slash and some letters escaped, others not, a space
 * here and a line end there. Whoever parses and prints it again changes its bytes.
 */
export function json(value: unknown): Uint8Array<ArrayBuffer> {
  const plain = JSON.stringify(value);
  return utf8(`${plain.replaceAll("/", "\\/").replaceAll("ü", "\\u00fC").replace(":", " : ")}\n`);
}

export function form(fields: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  return utf8(new URLSearchParams(fields).toString());
}

/** One bit in the middle of the body. */
export function flipped<Whole extends Sent>(sent: Whole): Whole {
  const body = new Uint8Array(sent.body);
  const middle = Math.floor(body.length / 2);
  body[middle] = (body[middle] ?? 0) ^ 1;
  return { ...sent, body };
}

export const JSON_TYPE = { "Content-Type": "application/json" } as const;
export const FORM_TYPE = { "Content-Type": "application/x-www-form-urlencoded" } as const;

export function seconds(at: number): string {
  return String(Math.floor(at / 1_000));
}

/** A version 4 UUID that ends in `number`: senders name their deliveries so. */
export function uuid(number: number): string {
  return `7f3c9a10-4b5d-4e6f-8a7b-${String(number).padStart(12, "0")}`;
}
