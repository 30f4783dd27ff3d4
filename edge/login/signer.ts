import { fromBase64Url, toBase64Url, utf8 } from "../../shared/bytes.ts";

const HMAC = { name: "HMAC", hash: "SHA-256" } as const;
const KEY_BYTES = 32;

type MacKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/**
 * Makes and checks the MACs of cookies and tickets, with the key that all isolates and relays of
 * an edge share and that never leaves it. What is signed begins with its kind and version, so
 * that none can pass for another.
 */
export class Signer {
  readonly #key: MacKey;

  constructor(key: MacKey) {
    this.#key = key;
  }

  /** HMAC-SHA-256 as URL-safe base64, 43 characters. */
  async sign(text: string): Promise<string> {
    return toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", this.#key, utf8(text))));
  }

  /** Takes the same time wherever the difference is: `subtle.verify` compares. */
  async verify(text: string, mac: string): Promise<boolean> {
    const bytes = fromBase64Url(mac);
    if (bytes === undefined) return false;
    return crypto.subtle.verify("HMAC", this.#key, bytes, utf8(text));
  }
}

/** @param sessionKey - 32 bytes, URL-safe base64. Undefined for anything else. */
export async function createSigner(sessionKey: string): Promise<Signer | undefined> {
  const bytes = fromBase64Url(sessionKey);
  if (bytes?.byteLength !== KEY_BYTES) return undefined;
  return new Signer(await crypto.subtle.importKey("raw", bytes, HMAC, false, ["sign", "verify"]));
}
