import { decodeProtectedHeader, jwtVerify } from "jose";
import type { Settings } from "../env.ts";
import type { Fetch } from "../published-keys.ts";
import type { KeepAlive } from "../single-flight.ts";
import { showsCertificate } from "./certificate.ts";
import { TeamKeys } from "./team-keys.ts";

/** What Cloudflare Access puts on a request it has let pass. */
const ASSERTION_HEADER = "Cf-Access-Jwt-Assertion";

/** The longest that is looked at: theirs have about one KiB. */
const MAX_ASSERTION_LENGTH = 8_192;
/** Between Cloudflare's clocks. */
const TOLERANCE_S = 30;

export type AccessError =
  | { readonly reason: "no_certificate" }
  | { readonly reason: "no_assertion" }
  | { readonly reason: "no_access_keys" }
  | { readonly reason: "bad_assertion" };

/**
 * Doors in front of the tunnel for those who want more than its own signature. Each is shut unless
 * what it asks for is there and genuine; none of them lets anyone in by itself.
 */
export class Access {
  readonly #settings: Pick<Settings, "access" | "fingerprints">;
  readonly #keys: TeamKeys | undefined;

  constructor(settings: Pick<Settings, "access" | "fingerprints">, fetch: Fetch) {
    this.#settings = settings;
    this.#keys =
      settings.access === undefined ? undefined : new TeamKeys(settings.access.issuer, fetch);
  }

  /** Undefined when every door that there is stands open for this request. */
  async refusal(
    request: Pick<Request, "headers" | "cf">,
    keepAlive: KeepAlive,
    now: number,
  ): Promise<AccessError | undefined> {
    const { fingerprints, access } = this.#settings;
    if (fingerprints.length > 0 && !showsCertificate(request.cf, fingerprints)) {
      return { reason: "no_certificate" };
    }
    if (access === undefined || this.#keys === undefined) return undefined;
    const assertion = request.headers.get(ASSERTION_HEADER);
    if (assertion === null || assertion.length > MAX_ASSERTION_LENGTH) {
      return { reason: "no_assertion" };
    }
    const find = await this.#keys.finderFor(keyIdOf(assertion), keepAlive, now);
    if (find === undefined) return { reason: "no_access_keys" };
    try {
      await jwtVerify(assertion, find, {
        ...access,
        algorithms: ["RS256"],
        requiredClaims: ["exp", "iat"],
        clockTolerance: TOLERANCE_S,
        currentDate: new Date(now),
      });
      return undefined;
    } catch {
      // Whichever of its checks failed: who may not enter need not know, and nor does the log.
      return { reason: "bad_assertion" };
    }
  }
}

/** Undefined when there is none: then no key is asked for that we do not have. */
function keyIdOf(assertion: string): string | undefined {
  try {
    return decodeProtectedHeader(assertion).kid;
  } catch {
    return undefined;
  }
}
