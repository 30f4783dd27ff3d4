import { createLocalJWKSet, type JWTVerifyGetKey } from "jose";
import * as z from "zod";
import { within } from "../deadline.ts";
import { errorFacts, logLine } from "../log.ts";
import { type KeepAlive, SingleFlight } from "../single-flight.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Cloudflare's answer: both the key of now and, for a week, the one before it. */
const KeySet = z.object({
  keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })).max(32),
});

/** Keys change every six weeks: an hour is soon enough to see one go. */
const REFRESH_MS = 3_600_000;
/** A key that was replaced is good for a week more; so long, what we have may be used as it is. */
const MAX_AGE_MS = 7 * 24 * 3_600_000;
/** Anyone can make up the id of a key: to ask for each of them would let him ask for us. */
const RETRY_MS = 30_000;
const FETCH_DEADLINE_MS = 3_000;
const MAX_BYTES = 64 * 1024;

interface Known {
  readonly at: number;
  readonly ids: ReadonlySet<string>;
  readonly find: JWTVerifyGetKey;
}

/**
 * The public keys of a Zero Trust team, as long as the isolate lives.
 *
 * Source: https://developers.cloudflare.com/cloudflare-one/identity/authorization-cookie/validating-json/
 */
export class TeamKeys {
  readonly #url: string;
  readonly #fetch: Fetch;
  readonly #flight = new SingleFlight<void>();
  #known: Known | undefined;
  #triedAt = -Infinity;

  /** @param issuer - Origin of the team. */
  constructor(issuer: string, fetch: Fetch) {
    this.#url = `${issuer}/cdn-cgi/access/certs`;
    this.#fetch = fetch;
  }

  /** Finds the key of a signature; undefined when there are no keys that may be trusted. */
  async finderFor(
    kid: string | undefined,
    keepAlive: KeepAlive,
    now: number,
  ): Promise<JWTVerifyGetKey | undefined> {
    const isStale = this.#known === undefined || now - this.#known.at > REFRESH_MS;
    const isNews = kid !== undefined && this.#known?.ids.has(kid) !== true;
    if (isStale || isNews) await this.#refresh(keepAlive, now);
    if (this.#known === undefined || now - this.#known.at > MAX_AGE_MS) return undefined;
    return this.#known.find;
  }

  async #refresh(keepAlive: KeepAlive, now: number): Promise<void> {
    const isDue = now - this.#triedAt >= RETRY_MS;
    if (!isDue && !this.#flight.busy(now)) return;
    if (isDue) this.#triedAt = now;
    try {
      await this.#flight.run(() => this.#load(now), keepAlive, now);
    } catch (error) {
      // What we have may still be good; without any, the door stays shut.
      logLine("error", { event: "access_keys_unavailable", ...errorFacts(error) });
    }
  }

  async #load(now: number): Promise<void> {
    const set = KeySet.parse(JSON.parse(await within(this.#text(), FETCH_DEADLINE_MS)));
    const ids = new Set(set.keys.map(({ kid }) => kid));
    this.#known = { at: now, ids, find: createLocalJWKSet(set) };
  }

  async #text(): Promise<string> {
    // Workers know no `redirect: "error"`: an answer that is not 200 is none.
    const response = await this.#fetch(this.#url, { redirect: "manual" });
    const length = Number(response.headers.get("Content-Length") ?? 0);
    if (response.status !== 200 || length > MAX_BYTES) throw new Error("no keys in the answer");
    const text = await response.text();
    if (text.length > MAX_BYTES) throw new Error("too many keys in the answer");
    return text;
  }
}
