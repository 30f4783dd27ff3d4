/** Whom a proxy names as the user who calls, where the settings take its word for that. */
import { networkInterfaces } from "node:os";
import { err, ok, type Result } from "../../../shared/result.ts";
import { bareAddress, isLoopbackAddress } from "../../config/networks.ts";

/** What a proxy that knows its users sends with everything it lets through; lower case. */
export interface UserHeaders {
  readonly userHeader: string;
  readonly requiredHeaders: readonly string[];
  /** Whether a proxy may run on this machine, where every other program could say the same. */
  readonly allowLoopback: boolean;
}

/** Why a request is not let in, in the contract's word and in ours. */
export interface ProxyRefusal {
  readonly type: "proxy_attribution_required" | "trusted_proxy_loopback_source";
  readonly message: string;
}

/** A request as a proxy that we trust has sent it. */
interface Passed {
  /** Of the socket. */
  readonly peer: string;
  /** Whether it says for whom it was passed on. */
  readonly isAttributed: boolean;
  /** Lower-case names. */
  readonly headers: NodeJS.Dict<string[]>;
}

/** Longest name of a user. */
const MAX_USER_UNITS = 256;

/**
 * The user whom a trusted proxy names; undefined where it names nobody.
 *
 * Whoever is named opens the gateway without a secret. So only what a proxy alone can send counts:
 * not what any program of this machine may claim, unless the settings say that they all are good.
 *
 * @returns Why nobody may be named like this.
 */
export function userOf(
  { peer, isAttributed, headers }: Passed,
  names: UserHeaders | undefined,
): Result<string | undefined, ProxyRefusal> {
  if (names === undefined || headers[names.userHeader] === undefined) return ok(undefined);
  const { userHeader, allowLoopback } = names;
  if (!allowLoopback && isOfThisMachine(peer)) return err(loopbackSource(userHeader));
  if (!isAttributed) return err(unattributed(userHeader));
  return ok(nameIn(headers, names));
}

function nameIn(
  headers: Passed["headers"],
  { userHeader, requiredHeaders }: UserHeaders,
): string | undefined {
  const has = (name: string): boolean => (headers[name]?.[0] ?? "").trim() !== "";
  const [user = "", ...more] = headers[userHeader] ?? [];
  // Two of them: one may be the client's own.
  if (more.length > 0 || !requiredHeaders.every(has)) return undefined;
  const name = user.trim();
  return name === "" || name.length > MAX_USER_UNITS ? undefined : name;
}

/** @param header - That only a trusted proxy may send, and one that says whom it speaks for. */
export function unattributed(header: string): ProxyRefusal {
  return {
    type: "proxy_attribution_required",
    message: `a proxy sent ${header}, and it is not in gateway.trustedProxies or does not say whom it speaks for`,
  };
}

function loopbackSource(header: string): ProxyRefusal {
  return {
    type: "trusted_proxy_loopback_source",
    message: `${header} came from this machine, where any program could send it: set gateway.auth.trustedProxy.allowLoopback to true if your proxy runs here`,
  };
}

/** By whatever name it calls itself: a program may reach us by each address of its machine. */
function isOfThisMachine(address: string): boolean {
  if (isLoopbackAddress(address)) return true;
  const own = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
  return own.some((one) => bareAddress(one.address) === address);
}
