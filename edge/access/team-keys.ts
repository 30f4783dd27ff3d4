import type { JWTVerifyGetKey } from "jose";
import * as z from "zod/mini";
import { type Fetch, fetchJson, PublishedKeys } from "../published-keys.ts";
import type { KeepAlive } from "../single-flight.ts";

/** Cloudflare's answer: both the key of now and, for a week, the one before it. */
const KeySet = z.object({
  keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })).check(z.maxLength(32)),
});

/** A key that was replaced is good for a week more; so long, what we have may be used as it is. */
const MAX_AGE_MS = 7 * 24 * 3_600_000;
const RETRY_MS = 30_000;
const MAX_BYTES = 64 * 1024;

interface TeamKeyList {
  has(kid: string): boolean;
  readonly find: JWTVerifyGetKey;
}

/**
 * The public keys of a Zero Trust team, as long as the isolate lives.
 *
 * Source: https://developers.cloudflare.com/cloudflare-one/identity/authorization-cookie/validating-json/
 */
export class TeamKeys {
  readonly #keys: PublishedKeys<TeamKeyList>;

  /** @param issuer - Origin of the team. */
  constructor(issuer: string, fetch: Fetch) {
    const url = `${issuer}/cdn-cgi/access/certs`;
    this.#keys = new PublishedKeys({
      load: async (signal) => listOf(await fetchJson(fetch, { url, maxBytes: MAX_BYTES, signal })),
      maxAgeMs: MAX_AGE_MS,
      retryMs: RETRY_MS,
      failure: { event: "access_keys_unavailable", host: new URL(issuer).host },
    });
  }

  /** Finds the key of a signature; undefined when there are no keys that may be trusted. */
  async finderFor(
    kid: string | undefined,
    keepAlive: KeepAlive,
    now: number,
  ): Promise<JWTVerifyGetKey | undefined> {
    return (await this.#keys.listFor(kid, keepAlive, now))?.find;
  }
}

function listOf(json: unknown): TeamKeyList {
  const keys = new Map(KeySet.parse(json).keys.map((key) => [key.kid, key]));
  return {
    has: (kid) => keys.has(kid),
    // Which algorithm it may be used with is for the one who verifies to say.
    find({ kid = "" }) {
      const key = keys.get(kid);
      if (key === undefined) throw new Error("no such key");
      return key;
    },
  };
}
