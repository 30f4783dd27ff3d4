/** Bearer tokens: whose they are, and what becomes of one that nobody knows. */
import { digestOf } from "../../shared/constant-time.ts";
import { GatewayError } from "../../shared/errors.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { Seeker } from "../rate/questions.ts";
import type { Caller } from "../verifiers.ts";
import type { Visit } from "../visit.ts";
import { countGuess, rateKey } from "./rate-limit.ts";

/** RFC 6750 section 2.1, with a bound: nothing longer is one of ours, or worth a digest. */
const BEARER = /^Bearer +(?<token>[\x21-\x7e]{1,512})$/i;
/** What a core makes, for a device or for itself. Passwords and mistakes look otherwise. */
const MADE = /^[\w-]{43}$/;
/** A core that is there has published within this what it has made. */
const PENDING_RETRY_MS = 2_000;

/** A token that this isolate does not know. */
export interface UnknownToken {
  readonly digest: string;
  /** No core has made it, for all that can be known now. */
  readonly isWrong: boolean;
}

/**
 * The caller, if the token is good. Counts nothing yet: whoever asks has to, by `noteUnknown`.
 *
 * @returns As its error what was shown; undefined when that is no token at all.
 */
export async function findCaller(
  visit: Visit,
  authorization: string,
): Promise<Result<Caller, UnknownToken | undefined>> {
  const token = BEARER.exec(authorization)?.groups?.["token"];
  if (token === undefined) return err(undefined);
  const { verifiers } = visit.isolate;
  const digest = await digestOf(token);
  const known = verifiers.identify(digest, authorization);
  if (known !== undefined) return ok(known);
  const isMade = MADE.test(token);
  const seeker = isMade ? seekerOf(visit, digest) : "client";
  const isAnswered = await verifiers.missed(seeker, visit.keepAlive, visit.now);
  const caller = verifiers.identify(digest, authorization);
  if (caller !== undefined) return ok(caller);
  return err({ digest, isWrong: isAnswered || !isMade });
}

/**
 * Counts a guess. Who guesses comes with another token each time; a device that has just been given
 * its own comes again with the same, which counts once.
 *
 * @returns What is to be said of a token that may be news; undefined: it is wrong.
 * @throws GatewayError `rate_limited` for an address that has guessed too often.
 */
export async function noteUnknown(
  visit: Visit,
  { digest, isWrong }: UnknownToken,
): Promise<GatewayError | undefined> {
  const { isolate, ip, now } = visit;
  const who = rateKey(ip);
  const isGuess = isolate.unknowns.note(who, digest, now);
  if (isWrong) isolate.unknowns.refute(who, digest);
  if (isGuess) await countGuess(visit);
  return isolate.unknowns.isRefuted(who, digest) ? undefined : pending();
}

/** Who comes with nothing but what may have been made a moment ago, and does not try one after another. */
function seekerOf(visit: Visit, digest: string): Seeker {
  const { isolate, ip, now } = visit;
  // A page that has a cookie may show with each request what is meant for what is behind us.
  const isBrowser = visit.header("cookie") !== undefined;
  return !isBrowser && isolate.unknowns.isFirst(rateKey(ip), digest, now) ? "newcomer" : "client";
}

/** Not 401: a device would throw its token away. */
function pending(): GatewayError {
  return new GatewayError("credentials_pending", "The gateway's credentials are being updated", {
    retryAfterMs: PENDING_RETRY_MS,
  });
}
