/** Strict decoding and constant-time checks, on Web Crypto alone: they run at the edge and in Node. */
import { fromBase64Url, fromHex, toBase64Url, toHex, utf8 } from "../bytes.ts";
import { bytesMatch, digestOf } from "../constant-time.ts";

export type HmacAlgorithm = "sha1" | "sha256" | "sha384" | "sha512";
export type SignatureEncoding = "hex" | "base64" | "base64url";

const HASHES = {
  sha1: { name: "SHA-1", bytes: 20 },
  sha256: { name: "SHA-256", bytes: 32 },
  sha384: { name: "SHA-384", bytes: 48 },
  sha512: { name: "SHA-512", bytes: 64 },
} as const satisfies Record<HmacAlgorithm, { name: string; bytes: number }>;

type Bytes = Uint8Array<ArrayBuffer>;

/** Standard base64 with padding, nothing else; undefined for anything an encoder would not write. */
export function fromBase64(text: string): Bytes | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const binary = atob(text);
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  // Unused low bits must be zero, or two texts would mean the same bytes.
  return btoa(binary) === text ? bytes : undefined;
}

/** Standard base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Longest text of a signature: SHA-512 in hex. Longer ones are not looked at. */
const MAX_SIGNATURE_CHARS = 128;
const DECODERS = { hex: fromHex, base64: fromBase64, base64url: fromBase64Url } as const;
const ENCODERS = { hex: toHex, base64: toBase64, base64url: toBase64Url } as const;

/**
 * The signature behind its text, if it has the length that `algorithm` gives; undefined otherwise.
 *
 * @param text - Hex in either case, or base64.
 */
export function decodeSignature(
  text: string,
  encoding: SignatureEncoding,
  algorithm: HmacAlgorithm,
): Bytes | undefined {
  if (text.length > MAX_SIGNATURE_CHARS) return undefined;
  const bytes = DECODERS[encoding](text);
  return bytes?.byteLength === HASHES[algorithm].bytes ? bytes : undefined;
}

/** The reverse of `decodeSignature`. */
export function encodeSignature(bytes: Uint8Array, encoding: SignatureEncoding): string {
  return ENCODERS[encoding](bytes);
}

/**
 * Which of `secrets` any of `signatures` was made with; undefined: none. All are tried every time,
 * so how long it takes tells nothing but how many there are. The message is hashed once per secret:
 * a header full of signatures costs comparisons only.
 */
export async function matchHmac(
  algorithm: HmacAlgorithm,
  secrets: readonly Bytes[],
  message: Bytes,
  signatures: readonly Bytes[],
): Promise<number | undefined> {
  const tries = secrets.map(async (secret) => {
    const genuine = await hmac(algorithm, secret, message);
    return signatures.map((one) => bytesMatch(genuine, one)).includes(true);
  });
  const found = (await Promise.all(tries)).indexOf(true);
  return found < 0 ? undefined : found;
}

/** Signs `message`: what a sender does, for tests of a route and for signatures of our own. */
export async function hmac(
  algorithm: HmacAlgorithm,
  secret: Bytes,
  message: Bytes,
): Promise<Bytes> {
  const { name: hash } = HASHES[algorithm];
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
}

/** Which of `publicKeys` (raw Ed25519) made `signature`; undefined: none. */
export async function matchEd25519(
  publicKeys: readonly Bytes[],
  message: Bytes,
  signature: Bytes,
): Promise<number | undefined> {
  const tries = publicKeys.map(async (raw) => {
    try {
      const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
      return await crypto.subtle.verify("Ed25519", key, signature, message);
    } catch {
      // A key that is no point of the curve has signed nothing.
      return false;
    }
  });
  const found = (await Promise.all(tries)).indexOf(true);
  return found < 0 ? undefined : found;
}

/** Which of `digests` (of `digestOf`) belongs to `credential`; undefined: none. Looks at all of them. */
export async function matchDigest(
  credential: string,
  digests: readonly string[],
): Promise<number | undefined> {
  const given = utf8(await digestOf(credential));
  let found: number | undefined;
  for (const [index, digest] of digests.entries()) {
    const same = bytesMatch(given, utf8(digest));
    if (same && found === undefined) found = index;
  }
  return found;
}

/** SHA-256, URL-safe base64: a name for bytes. */
export async function sha256(bytes: Bytes): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** SHA-256 in lower-case hex. */
export async function sha256Hex(bytes: Bytes): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** A signed time against ours. @param toleranceMs - To either side. */
export function timeFault(
  at: number,
  now: number,
  toleranceMs: number,
): "bad_format" | "stale" | "future" | undefined {
  if (!Number.isSafeInteger(at) || at <= 0) return "bad_format";
  if (at < now - toleranceMs) return "stale";
  return at > now + toleranceMs ? "future" : undefined;
}

/** Unix seconds as senders write them: digits alone, no sign, no fraction. Milliseconds; NaN otherwise. */
export function secondsToMs(text: string): number {
  return /^[0-9]{1,11}$/.test(text) ? Number(text) * 1_000 : Number.NaN;
}
