/**
 * Who may dial in, and who answered: the signatures around a tunnel connect.
 *
 * Pure but for Web Crypto: no clock, no storage. Replays are for the relay to refuse, it alone
 * can remember nonces. The texts that are signed are written down in protocol.md, section 2.
 */
import * as z from "zod/mini";
import { fromBase64Url, toBase64Url, toHex, utf8 } from "../bytes.ts";
import { LIMITS } from "../limits.ts";
import { err, ok, type Result } from "../result.ts";
import type { Secret } from "../secret.ts";

/** Newest first. Every release speaks the newest protocol and the one before it. */
export const SUPPORTED_PROTOCOLS = ["gwt.1"] as const;
export type TunnelProtocol = (typeof SUPPORTED_PROTOCOLS)[number];

/** The newest protocol both sides know; `offered` is the `Sec-WebSocket-Protocol` header. */
export function chooseProtocol(offered: string | null): TunnelProtocol | undefined {
  const names = new Set((offered ?? "").split(",").map((name) => name.trim()));
  return SUPPORTED_PROTOCOLS.find((name) => names.has(name));
}

export interface ConnectClaims {
  /** Names the key that signed. */
  readonly kid: string;
  readonly nonce: string;
  /** When it was signed, Unix ms by the core's clock. */
  readonly at: number;
  /** One per process: tells a reconnect from a second core. */
  readonly instance: string;
}

export interface PairClaims {
  readonly kid: string;
  /** Raw Ed25519 public key, URL-safe base64. */
  readonly publicKey: string;
  readonly nonce: string;
  readonly at: number;
}

export type ConnectError =
  | { readonly reason: "missing" }
  | { readonly reason: "malformed" }
  | { readonly reason: "unknown_key"; readonly kid: string }
  | { readonly reason: "stale"; readonly skewMs: number; readonly serverTime: number }
  | { readonly reason: "bad_signature" };

/** The runtimes agree on the class but not on the name of its type. */
export type SigningKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** An Ed25519 private key as RFC 8037 writes it: what is kept on disk. */
export const PrivateJwk = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  /** Public half, raw, URL-safe base64. */
  x: z.string(),
  /** Private half. */
  d: z.string(),
});
export type PrivateJwk = z.output<typeof PrivateJwk>;

/** A core's key pair. The private half never leaves the machine it was made on. */
export interface TunnelKey {
  readonly kid: string;
  /** Raw, URL-safe base64. */
  readonly publicKey: string;
  readonly privateKey: SigningKey;
}

const CONNECT_SCHEME = "GWT-Ed25519";
const PAIR_SCHEME = "GWT-HMAC";
const KEY_BYTES = 32;
const TOKEN = /^[A-Za-z0-9_-]{8,128}$/;
const TIME = /^[0-9]{13}$/;

/** A fresh pair; `jwk` is what to keep of it, for `importTunnelKey`. */
export async function createTunnelKey(): Promise<{ key: TunnelKey; jwk: PrivateJwk }> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new TypeError("Ed25519 gives a pair");
  const jwk = PrivateJwk.parse(await crypto.subtle.exportKey("jwk", pair.privateKey));
  return { key: await importTunnelKey(jwk), jwk };
}

/** @throws DOMException or TypeError when `jwk` is not an Ed25519 private key. */
export async function importTunnelKey(jwk: PrivateJwk): Promise<TunnelKey> {
  const privateKey = await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["sign"]);
  const publicKey = jwk.x;
  if (fromBase64Url(publicKey)?.byteLength !== KEY_BYTES) throw new TypeError("no public key");
  return { kid: await kidOf(publicKey), publicKey, privateKey };
}

/** The name of a public key: the start of its SHA-256, so nobody can pick another's. */
export async function kidOf(publicKey: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", utf8(publicKey));
  return toHex(new Uint8Array(digest, 0, 8));
}

/** Headers of the upgrade request by which a core proves who it is. */
export async function signConnect(
  key: TunnelKey,
  url: URL,
  claims: Omit<ConnectClaims, "kid">,
): Promise<Record<string, string>> {
  const signed = connectText(url, { ...claims, kid: key.kid });
  const signature = await crypto.subtle.sign("Ed25519", key.privateKey, signed);
  const { nonce, at, instance } = claims;
  return {
    Authorization: params(CONNECT_SCHEME, {
      kid: key.kid,
      ts: at,
      nonce,
      instance,
      sig: signature,
    }),
  };
}

/** Checks the headers `signConnect` made. Cheap checks first; one signature at the most. */
export async function verifyConnect(
  headers: Headers,
  url: URL,
  keyOf: (kid: string) => string | undefined | Promise<string | undefined>,
  now: number,
): Promise<Result<ConnectClaims, ConnectError>> {
  const given = readParams(headers, CONNECT_SCHEME, ["kid", "ts", "nonce", "instance", "sig"]);
  if (!given.ok) return given;
  const { kid, nonce, instance } = given.value;
  const claims = { kid, nonce, instance, at: Number(given.value.ts) };
  const stale = staleness(claims.at, now);
  if (stale !== undefined) return err(stale);
  const publicKey = fromBase64Url((await keyOf(kid)) ?? "");
  if (publicKey?.byteLength !== KEY_BYTES) return err({ reason: "unknown_key", kid });
  const genuine = await verifyEd25519(publicKey, given.value.sig, connectText(url, claims));
  return genuine ? ok(claims) : err({ reason: "bad_signature" });
}

/** Headers of the request by which a core that holds the pairing secret introduces its key. */
export async function signPairing(
  secret: Secret,
  url: URL,
  claims: PairClaims,
): Promise<Record<string, string>> {
  const key = await hmacKey(secret, "sign");
  const signature = await crypto.subtle.sign("HMAC", key, pairText(url, claims));
  const { kid, publicKey, nonce, at } = claims;
  return {
    Authorization: params(PAIR_SCHEME, { kid, key: publicKey, ts: at, nonce, sig: signature }),
  };
}

/** Checks the headers `signPairing` made, in constant time. */
export async function verifyPairing(
  headers: Headers,
  url: URL,
  secret: Secret,
  now: number,
): Promise<Result<PairClaims, ConnectError>> {
  const given = readParams(headers, PAIR_SCHEME, ["kid", "key", "ts", "nonce", "sig"]);
  if (!given.ok) return given;
  const { kid, key: publicKey, nonce } = given.value;
  const claims = { kid, publicKey, nonce, at: Number(given.value.ts) };
  const stale = staleness(claims.at, now);
  if (stale !== undefined) return err(stale);
  const signature = fromBase64Url(given.value.sig);
  if (signature === undefined || fromBase64Url(publicKey)?.byteLength !== KEY_BYTES) {
    return err({ reason: "malformed" });
  }
  const hmac = await hmacKey(secret, "verify");
  const genuine = await crypto.subtle.verify("HMAC", hmac, signature, pairText(url, claims));
  if (!genuine || kid !== (await kidOf(publicKey))) return err({ reason: "bad_signature" });
  return ok(claims);
}

/** What the edge proves in its answer to a pairing: that it, too, holds the secret. */
export interface PairProofClaims {
  readonly kid: string;
  readonly nonce: string;
  /** Raw, URL-safe base64. */
  readonly edgeKey: string;
}

/** @returns The proof, URL-safe base64. */
export async function provePairing(secret: Secret, claims: PairProofClaims): Promise<string> {
  const key = await hmacKey(secret, "sign");
  const proof = await crypto.subtle.sign("HMAC", key, pairProofText(claims));
  return toBase64Url(new Uint8Array(proof));
}

/** Checks what `provePairing` made, in constant time. */
export async function verifyPairProof(
  secret: Secret,
  proof: string,
  claims: PairProofClaims,
): Promise<boolean> {
  const bytes = fromBase64Url(proof);
  if (bytes === undefined) return false;
  return crypto.subtle.verify(
    "HMAC",
    await hmacKey(secret, "verify"),
    bytes,
    pairProofText(claims),
  );
}

/** What the edge signs in WELCOME, so that a core can tell its own edge from one in between. */
export interface WelcomeClaims {
  readonly host: string;
  readonly kid: string;
  /** That of the connect request: the answer cannot be an old one. */
  readonly nonce: string;
  readonly session: string;
}

/** @returns The signature, URL-safe base64. */
export async function signWelcome(privateKey: SigningKey, claims: WelcomeClaims): Promise<string> {
  const signature = await crypto.subtle.sign("Ed25519", privateKey, welcomeText(claims));
  return toBase64Url(new Uint8Array(signature));
}

/** @param edgeKey - Raw, URL-safe base64. */
export async function verifyWelcome(
  edgeKey: string,
  signature: string,
  claims: WelcomeClaims,
): Promise<boolean> {
  const key = fromBase64Url(edgeKey);
  if (key?.byteLength !== KEY_BYTES) return false;
  return verifyEd25519(key, signature, welcomeText(claims));
}

function connectText(url: URL, claims: ConnectClaims): Uint8Array<ArrayBuffer> {
  const { kid, at, nonce, instance } = claims;
  return lines("gwt-connect-v1", "GET", url.host, url.pathname, kid, String(at), nonce, instance);
}

function pairText(url: URL, claims: PairClaims): Uint8Array<ArrayBuffer> {
  const { kid, publicKey, at, nonce } = claims;
  return lines("gwt-pair-v1", "POST", url.host, url.pathname, kid, publicKey, String(at), nonce);
}

function pairProofText({ kid, nonce, edgeKey }: PairProofClaims): Uint8Array<ArrayBuffer> {
  return lines("gwt-paired-v1", kid, nonce, edgeKey);
}

function welcomeText({ host, kid, nonce, session }: WelcomeClaims): Uint8Array<ArrayBuffer> {
  return lines("gwt-welcome-v1", host, kid, nonce, session);
}

/** No part can hold a line break: each is a host, a path or matches `TOKEN`. */
function lines(...parts: string[]): Uint8Array<ArrayBuffer> {
  return utf8(parts.join("\n"));
}

function params(scheme: string, values: Record<string, string | number | ArrayBuffer>): string {
  const pairs = Object.entries(values).map(([name, value]) => {
    const text = value instanceof ArrayBuffer ? toBase64Url(new Uint8Array(value)) : value;
    return `${name}=${text}`;
  });
  return `${scheme} ${pairs.join(", ")}`;
}

function readParams<Name extends string>(
  headers: Headers,
  scheme: string,
  names: readonly Name[],
): Result<Record<Name, string>, ConnectError> {
  const header = headers.get("Authorization");
  if (header === null) return err({ reason: "missing" });
  const [given, ...rest] = header.split(" ");
  if (given !== scheme) return err({ reason: "missing" });
  const pairs = new Map<string, string>();
  for (const part of rest.join("").split(",")) {
    const split = part.indexOf("=");
    pairs.set(part.slice(0, split), part.slice(split + 1));
  }
  const values: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = pairs.get(name) ?? "";
    if (!(name === "ts" ? TIME : TOKEN).test(value)) return err({ reason: "malformed" });
    values[name] = value;
  }
  return isComplete(values, names) ? ok(values) : err({ reason: "malformed" });
}

function isComplete<Name extends string>(
  values: Partial<Record<Name, string>>,
  names: readonly Name[],
): values is Record<Name, string> {
  return names.every((name) => values[name] !== undefined);
}

function staleness(at: number, now: number): ConnectError | undefined {
  const skewMs = now - at;
  if (Math.abs(skewMs) <= LIMITS.connectSkewMs) return undefined;
  return { reason: "stale", skewMs, serverTime: now };
}

function hmacKey(secret: Secret, use: "sign" | "verify"): Promise<SigningKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", utf8(secret.reveal()), algorithm, false, [use]);
}

async function verifyEd25519(
  publicKey: Uint8Array<ArrayBuffer>,
  signature: string,
  signed: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const bytes = fromBase64Url(signature);
  if (bytes === undefined) return false;
  const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", key, bytes, signed);
}
