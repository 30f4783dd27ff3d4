/**
 * What the relay keeps without being able to read it: webhook routes, and with them the secrets of
 * their senders. AES-256-GCM under a key derived from `SEAL_KEY`, a secret of the Worker, so that
 * who gets at the storage alone gets no secret.
 */
import { concat, fromBase64Url, fromUtf8, toBase64Url, utf8 } from "../shared/bytes.ts";
import type { Secret } from "../shared/secret.ts";

/** 32 bytes as URL-safe base64: what `SEAL_KEY` must be. */
export const SEAL_KEY = /^[A-Za-z0-9_-]{43}$/;

/** Random for every text: 96 bits, which NIST SP 800-38D section 8.2.2 asks for. */
const IV_BYTES = 12;
const SEALED = /^v1\.(?<version>\d{1,15})\.(?<bytes>[A-Za-z0-9_-]+)$/;

export interface Sealer {
  /** @param version - Of the bundle: bound to the text, which cannot be shown as another one's. */
  seal(version: number, plain: string): Promise<string>;
  /** Undefined for what was sealed with another key, changed, or never sealed at all. */
  open(sealed: string): Promise<string | undefined>;
  /** Equal for equal texts under the same key, and says nothing of them without it. */
  fingerprint(plain: string): Promise<string>;
}

interface Keys {
  readonly seal: CryptoKey;
  readonly fingerprint: CryptoKey;
}

/**
 * Seals and opens with keys of its own, derived when they are first used.
 *
 * @throws RangeError when `key` is not what `SEAL_KEY` matches.
 */
export function createSealer(key: Secret): Sealer {
  const bytes = SEAL_KEY.test(key.reveal()) ? fromBase64Url(key.reveal()) : undefined;
  if (bytes === undefined) throw new RangeError("a seal key is 32 bytes as URL-safe base64");
  let keys: Keys | undefined;
  const derived = async (): Promise<Keys> => (keys ??= await derive(bytes));
  return {
    async seal(version, plain) {
      const { seal } = await derived();
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const sealed = await crypto.subtle.encrypt(parametersOf(iv, version), seal, utf8(plain));
      return `v1.${version}.${toBase64Url(concat([iv, new Uint8Array(sealed)]))}`;
    },

    async open(sealed) {
      const parts = SEALED.exec(sealed)?.groups;
      const given = fromBase64Url(parts?.["bytes"] ?? "");
      if (parts === undefined || given === undefined) return undefined;
      const { seal } = await derived();
      const parameters = parametersOf(given.subarray(0, IV_BYTES), Number(parts["version"]));
      try {
        const plain = await crypto.subtle.decrypt(parameters, seal, given.subarray(IV_BYTES));
        return fromUtf8(new Uint8Array(plain));
      } catch {
        // Web Crypto does not say why, and there is nothing else it could be.
        return undefined;
      }
    },

    async fingerprint(plain) {
      const { fingerprint } = await derived();
      return toBase64Url(
        new Uint8Array(await crypto.subtle.sign("HMAC", fingerprint, utf8(plain))),
      );
    },
  };
}

function parametersOf(iv: Uint8Array<ArrayBuffer>, version: number) {
  return { name: "AES-GCM", iv, additionalData: utf8(`routes:${version}`) };
}

async function derive(bytes: Uint8Array<ArrayBuffer>): Promise<Keys> {
  const root = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey"]);
  const [seal, fingerprint] = await Promise.all([
    crypto.subtle.deriveKey(
      hkdf("sallyport routes v1"),
      root,
      { name: "AES-GCM", length: 256 },
      false,
      ["encrypt", "decrypt"],
    ),
    crypto.subtle.deriveKey(
      hkdf("sallyport routes fingerprint v1"),
      root,
      { name: "HMAC", hash: "SHA-256", length: 256 },
      false,
      ["sign"],
    ),
  ]);
  return { seal, fingerprint };
}

function hkdf(info: string) {
  return { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: utf8(info) };
}
