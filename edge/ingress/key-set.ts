import { type CryptoKey, importX509, type JWK } from "jose";
import * as z from "zod/mini";
import { type Fetch, fetchJson, PublishedKeys } from "../published-keys.ts";

/** Where keys are published, and in which of three ways. */
export interface KeySource {
  readonly kind: "jwks" | "openid" | "x509";
  readonly url: string;
}

/** One published key: what it verifies with, and all that was said about it. */
export interface PublishedKey {
  readonly key: CryptoKey | JWK;
  readonly jwk: Readonly<Record<string, unknown>>;
}

export type KeySet = ReadonlyMap<string, PublishedKey>;

/** Microsoft's list has about forty. */
const MAX_KEYS = 128;
/** The same with their certificates: 120 KB. */
const MAX_BYTES = 512 * 1024;
const RETRY_MS = 60_000;
/** Microsoft and Google want keys looked at anew each day; what is older may have been withdrawn. */
const MAX_AGE_MS = 24 * 3_600_000;

const JwkSet = z.object({ keys: z.array(z.looseObject({})).check(z.maxLength(MAX_KEYS)) });
/** Only what can sign as we ask for it: others in the list are none of our business. */
const RsaKey = z.looseObject({
  kid: z.string().check(z.minLength(1)),
  kty: z.literal("RSA"),
  n: z.string().check(z.minLength(1)),
  e: z.string().check(z.minLength(1)),
  use: z.optional(z.literal("sig")),
  alg: z.optional(z.literal("RS256")),
});
const OpenIdConfiguration = z.object({ jwks_uri: z.url({ protocol: /^https?$/ }) });
const Certificates = z
  .record(z.string().check(z.minLength(1)), z.string())
  .check(z.refine((all) => Object.keys(all).length <= MAX_KEYS, "too many keys"));

/** The keys of one source; not a word goes out before one is asked for. */
export function keySetOf(source: KeySource, fetch: Fetch): PublishedKeys<KeySet> {
  return new PublishedKeys({
    load: (signal) => loadKeys(source, fetch, signal),
    maxAgeMs: MAX_AGE_MS,
    retryMs: RETRY_MS,
    failure: { event: "webhook_keys_unavailable", host: URL.parse(source.url)?.host ?? "" },
  });
}

async function loadKeys(
  { kind, url }: KeySource,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<KeySet> {
  const json = await fetchJson(fetch, { url, maxBytes: MAX_BYTES, signal });
  if (kind === "x509") return keysOfCertificates(json);
  if (kind === "jwks") return keysOfSet(json);
  const { jwks_uri: place } = OpenIdConfiguration.parse(json);
  // A document that came by TLS must not send us where anyone on the way can answer.
  if (new URL(url).protocol === "https:" && new URL(place).protocol !== "https:") {
    throw new Error("keys without TLS");
  }
  return keysOfSet(await fetchJson(fetch, { url: place, maxBytes: MAX_BYTES, signal }));
}

function keysOfSet(json: unknown): KeySet {
  const keys = new Map<string, PublishedKey>();
  for (const one of JwkSet.parse(json).keys) {
    const jwk = RsaKey.safeParse(one);
    if (jwk.success) keys.set(jwk.data.kid, { key: jwk.data, jwk: jwk.data });
  }
  return keys;
}

async function keysOfCertificates(json: unknown): Promise<KeySet> {
  const entries = Object.entries(Certificates.parse(json)).map(async ([kid, certificate]) => {
    const key = await importX509(certificate, "RS256");
    return [kid, { key, jwk: { kid } }] as const;
  });
  return new Map(await Promise.all(entries));
}
