import { GatewayError } from "../../shared/errors.ts";
import { errorFacts, logLine } from "../log.ts";
import { LOCKOUT_MS } from "../rate/lockout.ts";
import type { Visit } from "../visit.ts";

/** The window of the binding in wrangler.toml: after this long a refused address may come back. */
const CLIENT_WINDOW_MS = 10_000;
/** The same of failures. */
const FAILURE_WINDOW_MS = 60_000;

/**
 * The coarse limit, before anything is decided: one address cannot keep an isolate busy. The exact
 * limit of a caller is kept by the relay.
 *
 * @throws GatewayError `rate_limited`.
 */
export async function limitClient({ isolate, ip }: Visit): Promise<void> {
  if (await isWithin(isolate.clientRate, rateKey(ip))) return;
  throw new GatewayError("rate_limited", "Too many requests from this address", {
    retryAfterMs: CLIENT_WINDOW_MS,
  });
}

/** Who has failed, when it is not somebody who guesses what opens the gateway. */
type Failing = "webhook" | "core" | "nobody";

/**
 * Counts a wrong credential; from the limit on, its address is locked out.
 *
 * @throws GatewayError `rate_limited` from the limit on.
 */
export async function countGuess({ isolate, ip, now }: Visit): Promise<void> {
  const who = rateKey(ip);
  if (await isWithin(isolate.failureRate, who)) return;
  isolate.lockout.lock(who, now);
  throw tooManyFailures(LOCKOUT_MS);
}

/**
 * Counts another failure. It locks nobody out: a sender whose secret is wrong, or a core with an
 * old key, may share the address of the owner.
 *
 * @throws GatewayError `rate_limited` from the limit on.
 */
export async function countFailure({ isolate, ip }: Visit, failing: Failing): Promise<void> {
  if (await isWithin(isolate.failureRate, `${failing} ${rateKey(ip)}`)) return;
  throw tooManyFailures(FAILURE_WINDOW_MS);
}

/** @throws GatewayError `rate_limited` for who has guessed too often: the right guess is one, too. */
export function refuseLockedOut(visit: Visit): void {
  const retryAfterMs = lockedForMs(visit);
  if (retryAfterMs > 0) throw tooManyFailures(retryAfterMs);
}

/** How long the sender stays locked out, ms; 0 when it is not. */
export function lockedForMs({ isolate: { lockout }, ip, now }: Visit): number {
  return lockout.isEmpty ? 0 : lockout.lockedForMs(rateKey(ip), now);
}

function tooManyFailures(retryAfterMs: number): GatewayError {
  return new GatewayError("rate_limited", "Too many failed attempts", { retryAfterMs });
}

/** Who shares a limit: an IPv4 address, or the /64 that is one IPv6 customer. */
export function rateKey(ip: string): string {
  if (!ip.includes(":") || ip.includes(".")) return ip;
  const [head = "", tail] = ip.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  if (tail !== undefined) {
    const after = tail.split(":").filter((group) => group !== "");
    while (groups.length + after.length < 8) groups.push("0");
    groups.push(...after);
  }
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}

async function isWithin(binding: RateLimit | undefined, key: string): Promise<boolean> {
  if (binding === undefined) return true;
  try {
    return (await binding.limit({ key })).success;
  } catch (error) {
    // A broken counter must not take the gateway down; the relay's limit still holds.
    logLine("warn", { event: "rate_limit_unavailable", ...errorFacts(error) });
    return true;
  }
}
