import { hash } from "node:crypto";
import { bytesMatch } from "../../shared/constant-time.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { Principal } from "../../shared/principal.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { Secret } from "../../shared/secret.ts";
import type { Caller } from "../tunnel/handlers.ts";
import { isLoopbackAddress } from "./admission.ts";
import type { Lockout } from "./lockout.ts";
import type { LocalPeer } from "./serve.ts";

/** Who the shared gateway token belongs to. */
export const OPERATOR: Principal = { subject: "operator", scopes: ["operator"] };

/** Longest credential we hash: ours have 43 characters, and nobody may make us hash megabytes. */
const MAX_CREDENTIAL_LENGTH = 1024;
const BEARER = /^Bearer +(?<token>\S+) *$/i;

export type AuthFailure =
  | { readonly reason: "missing" }
  | { readonly reason: "mismatch" }
  | { readonly reason: "locked_out"; readonly retryAfterMs: number };

/**
 * Where a request stands before the app has looked at it: an edge has already decided who sends
 * it, a local peer has yet to prove itself. It travels beside the request, never in its headers.
 */
export type Origin =
  | { readonly via: "edge"; readonly caller: Caller }
  | ({ readonly via: "local" } & LocalPeer);

export interface AuthSettings {
  /** Every credential that opens this gateway. */
  readonly credentials: readonly Secret[];
  /** Whether programs of this machine may fail as often as they like. */
  readonly exemptLoopback: boolean;
}

/** Decides who a local caller is. */
export class Authenticator {
  readonly #digests: readonly Uint8Array[];
  readonly #exemptLoopback: boolean;
  readonly #lockout: Lockout;
  readonly #now: () => number;

  constructor({ credentials, exemptLoopback }: AuthSettings, lockout: Lockout, now: () => number) {
    this.#digests = credentials.map((credential) => digestOf(credential.reveal()));
    this.#exemptLoopback = exemptLoopback;
    this.#lockout = lockout;
    this.#now = now;
  }

  /** Checks a credential. Locked-out addresses are turned away with the right one as well. */
  verify(credential: string | undefined, ip: string): Result<Principal, AuthFailure> {
    // Asking without a credential is how clients find out that they need one: no attempt.
    if (credential === undefined || credential === "") return err({ reason: "missing" });
    const counts = !(this.#exemptLoopback && isLoopbackAddress(ip));
    const retryAfterMs = counts ? this.#lockout.lockedForMs(ip, this.#now()) : 0;
    if (retryAfterMs > 0) return err({ reason: "locked_out", retryAfterMs });
    if (!this.#isKnown(credential)) {
      if (counts) this.#lockout.fail(ip, this.#now());
      return err({ reason: "mismatch" });
    }
    if (counts) this.#lockout.succeed(ip);
    return ok(OPERATOR);
  }

  /**
   * The caller of an HTTP request.
   *
   * @throws GatewayError unauthenticated, the same for a missing, malformed and wrong token;
   *   rate_limited after too many wrong ones.
   */
  callerOf(origin: Origin, authorization: string | null): Caller {
    if (origin.via === "edge") return origin.caller;
    const token = BEARER.exec(authorization ?? "")?.groups?.["token"];
    const verified = this.verify(token, origin.ip);
    if (verified.ok) {
      const { ip, requestId, via } = origin;
      return { principal: verified.value, requestId, ip, via };
    }
    if (verified.error.reason === "locked_out") {
      const { retryAfterMs } = verified.error;
      throw new GatewayError("rate_limited", "Too many wrong tokens from here", { retryAfterMs });
    }
    throw new GatewayError("unauthenticated", "A valid bearer token is required");
  }

  #isKnown(credential: string): boolean {
    if (credential.length > MAX_CREDENTIAL_LENGTH) return false;
    const given = digestOf(credential);
    // All are compared, so the time does not tell which one came close.
    return this.#digests.filter((digest) => bytesMatch(given, digest)).length > 0;
  }
}

/** Synchronous, unlike Web Crypto's: a trip to the thread pool would cost more than the hash. */
function digestOf(credential: string): Uint8Array {
  return hash("sha256", credential, "buffer");
}
