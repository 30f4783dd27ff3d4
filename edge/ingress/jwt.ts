import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { Claims, JwtDemand, Refusal, SchemeTools } from "../../shared/ingress/scheme.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { Fetch, PublishedKeys } from "../published-keys.ts";
import type { KeepAlive } from "../single-flight.ts";
import { type KeySet, keySetOf, type KeySource } from "./key-set.ts";

/** The only one that Microsoft and Google sign with; a token has no say in it. */
const ALGORITHM = "RS256";
/** Theirs have one to two KiB. */
const MAX_TOKEN_LENGTH = 16_384;
/** Routes of one deployment name a handful between them. */
const MAX_SOURCES = 16;

/**
 * What verifies JSON Web Tokens for webhooks. One for an isolate: it remembers the keys.
 *
 * A token whose key cannot be had is refused like one with a key nobody knows; the log tells the two
 * apart (`webhook_keys_unavailable`).
 *
 * @returns Gives the tool for one request, whose `keepAlive` lets a look-up outlive it.
 */
export function createJwtTool(fetch: Fetch): (keepAlive: KeepAlive) => SchemeTools["jwt"] {
  const sets = new Map<string, PublishedKeys<KeySet>>();

  function setOf(source: KeySource): PublishedKeys<KeySet> {
    const name = `${source.kind} ${source.url}`;
    const set = sets.get(name) ?? keySetOf(source, fetch);
    // The one used last stands at the end, so that the first is the one to give up.
    sets.delete(name);
    sets.set(name, set);
    const [oldest] = sets.keys();
    if (sets.size > MAX_SOURCES && oldest !== undefined) sets.delete(oldest);
    return set;
  }

  return (keepAlive) => (demand) => verify(demand, setOf(demand.keys), keepAlive);
}

async function verify(
  demand: JwtDemand,
  keys: PublishedKeys<KeySet>,
  keepAlive: KeepAlive,
): Promise<Result<Claims, Refusal>> {
  const kid = keyIdOf(demand.token);
  if (kid === undefined) return err({ reason: "bad_format" });
  const published = (await keys.listFor(kid, keepAlive, demand.now))?.get(kid);
  if (published === undefined) return err({ reason: "unknown_key" });
  if (demand.acceptsKey?.(published.jwk) === false) return err({ reason: "unknown_key" });
  try {
    const { payload } = await jwtVerify(demand.token, published.key, {
      algorithms: [ALGORITHM],
      issuer: [...demand.issuers],
      audience: [...demand.audiences],
      requiredClaims: ["exp"],
      clockTolerance: demand.clockTolerance,
      currentDate: new Date(demand.now),
    });
    // Issued after now: jose looks at this only together with an age.
    const isEarly = (payload.iat ?? 0) > demand.now / 1_000 + demand.clockTolerance;
    return isEarly ? err({ reason: "future" }) : ok(payload);
  } catch (error) {
    return err({ reason: reasonOf(error) });
  }
}

/** Undefined for what is no token of this algorithm with the name of its key. */
function keyIdOf(token: string): string | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    return alg === ALGORITHM && typeof kid === "string" && kid !== "" ? kid : undefined;
  } catch {
    // A stranger can send anything.
    return undefined;
  }
}

function reasonOf(error: unknown): Refusal["reason"] {
  if (error instanceof errors.JWTExpired) return "stale";
  if (error instanceof errors.JWTClaimValidationFailed) {
    const isEarly = error.claim === "nbf" && error.reason === "check_failed";
    return isEarly ? "future" : "mismatch";
  }
  const isMalformed = error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid;
  return isMalformed ? "bad_format" : "mismatch";
}
