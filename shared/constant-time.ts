import { toBase64Url, utf8 } from "./bytes.ts";

/**
 * True when both digests are equal, in a time that depends on their length alone.
 *
 * Web Crypto has no such function that both runtimes share, so the difference is gathered over
 * every byte and looked at once.
 */
export function bytesMatch(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.byteLength ^ b.byteLength;
  for (let index = 0; index < a.byteLength; index += 1) {
    difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  }
  return difference === 0;
}

/**
 * What we keep of a credential: SHA-256, URL-safe base64 (43 characters).
 *
 * A fast hash is right for our tokens, which are random and at least 128 bits; it would be wrong
 * for passwords that people choose.
 */
export async function digestOf(credential: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(credential))));
}

/**
 * True when `given` is the credential. Compares digests, so neither the content nor the length of
 * the expected one shows in the time it takes.
 */
export async function secretsMatch(given: string, expected: string): Promise<boolean> {
  const [a, b] = await Promise.all([digestOf(given), digestOf(expected)]);
  return bytesMatch(utf8(a), utf8(b));
}
