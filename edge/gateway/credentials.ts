/** Who a client is that shows its credentials in its first frame: all of contract, nothing of sockets. */
import { digestOf } from "../../shared/constant-time.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { ConnectParams } from "../../shared/gateway/connect-params.ts";
import {
  badProof,
  type ConnectRefusal,
  credentialMismatch,
  credentialMissing,
  identityRequired,
  rateLimited,
  unavailable,
} from "../../shared/gateway/connect-refusal.ts";
import { type Challenge, checkDeviceProof } from "../../shared/gateway/device-proof.ts";
import type { Connect } from "../../shared/gateway/read-connect.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { countGuess, lockedForMs } from "../middleware/rate-limit.ts";
import type { Caller } from "../verifiers.ts";
import type { Visit } from "../visit.ts";

/** Nothing longer is one of ours, or worth a digest. */
const MAX_CREDENTIAL_LENGTH = 512;
/** Clients of the protocol wait two seconds at most, whatever they are told. */
const RETRY_MS = 2_000;

/**
 * Checks token, password or device token, and the device's signature, as the core would. What fails
 * counts like a wrong bearer token.
 *
 * @param now - Unix ms of the frame.
 */
export async function checkConnect(
  visit: Visit,
  { id, params }: Connect,
  challenge: Challenge,
  now: number,
): Promise<Result<Caller, ConnectRefusal>> {
  const shown = shownIn(params);
  if (shown.length === 0 && params.device === undefined) return err(identityRequired(id));
  const lockedMs = lockedForMs({ ...visit, now });
  if (lockedMs > 0) return err(rateLimited(id, lockedMs));
  if (shown.length === 0) return err(credentialMissing(id, "token"));
  const holders = await holdersOf(visit, shown);
  const find = (): Caller | undefined => holders().find((holder) => isFor(holder, params));
  let caller = find();
  if (caller === undefined) {
    const isSure = await visit.isolate.verifiers.missed("client", visit.keepAlive, now);
    caller = find();
    // Made a moment ago, perhaps: told that it is wrong, a device would throw its token away.
    if (!isSure && holders().length === 0 && isOwn(params)) {
      return err(unavailable(id, "gateway credentials are being updated", RETRY_MS));
    }
  }
  if (caller === undefined) return err(await refuseCredentials(visit, id, params, now));
  if (params.device !== undefined) {
    const fault = await checkDeviceProof(params.device, params, challenge.nonce, now);
    if (fault !== undefined) return err(badProof(id, fault));
  }
  return ok(caller);
}

function shownIn({ auth }: Pick<ConnectParams, "auth">): readonly string[] {
  const all = [auth.token, auth.password, auth.deviceToken].map((shown) => shown ?? "");
  return all.filter((shown) => shown !== "");
}

/** Nothing is shown but what is called a device's own token, which nobody can guess. */
function isOwn({ auth, device }: ConnectParams): boolean {
  const { deviceToken } = auth;
  return device !== undefined && shownIn({ auth }).every((shown) => shown === deviceToken);
}

/** Gives whoever any of this belongs to, as far as is known when it is called. */
async function holdersOf(
  { isolate: { verifiers } }: Visit,
  shown: readonly string[],
): Promise<() => readonly Caller[]> {
  const short = shown.filter(({ length }) => length <= MAX_CREDENTIAL_LENGTH);
  const digests = await Promise.all(short.map(digestOf));
  return () => digests.flatMap((digest) => verifiers.find(digest) ?? []);
}

/** A device token is good in the hands of its device alone; one for chats opens no gateway. */
function isFor(holder: Caller, params: ConnectParams): boolean {
  // Passwords, which can be guessed, must be shown where guesses count.
  if (holder.deviceId === undefined && isOwn(params)) return false;
  if (holder.deviceId !== undefined && holder.deviceId !== params.device?.id) return false;
  return holder.operatorScopes !== undefined || holder.principal.scopes.includes("operator");
}

/** Counts the failure as well. Too many of them, and the refusal says so. */
export async function refuseCredentials(
  visit: Visit,
  id: string,
  { auth, device }: Pick<ConnectParams, "auth" | "device">,
  now: number,
): Promise<ConnectRefusal> {
  try {
    await countGuess({ ...visit, now });
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return rateLimited(id, error.retryAfterMs ?? 0);
  }
  return credentialMismatch(id, auth, device !== undefined);
}
