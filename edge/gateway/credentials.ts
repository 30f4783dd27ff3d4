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
import { countGuess, lockedForMs, rateKey } from "../middleware/rate-limit.ts";
import type { Caller, Verifiers } from "../verifiers.ts";
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
  const isBare = shownIn(params).length === 0;
  if (isBare && params.device === undefined) return err(identityRequired(id));
  const lockedMs = lockedForMs({ ...visit, now });
  if (lockedMs > 0) return err(rateLimited(id, lockedMs));
  if (isBare && setupCodeIn(params) === "") return err(credentialMissing(id, "token"));
  const shown = await digestsOf(params);
  const { verifiers } = visit.isolate;
  const holders = (): Caller[] => holdersOf(shown, verifiers, now);
  const find = (): Caller | undefined => holders().find((holder) => isFor(holder, params));
  let caller = find();
  if (caller === undefined) {
    const isSure = await verifiers.missed(seekerOf(visit, shown, now), visit.keepAlive, now);
    caller = find();
    if (holders().length === 0 && isOwn(params)) {
      const isGuess = noteUnknown(visit, shown, now);
      if (!isSure) return err(await putOff(visit, id, isGuess, now));
    }
  }
  if (caller === undefined) return err(await refuseCredentials(visit, id, params, now));
  return proven(caller, { id, params }, challenge, now);
}

/** A setup code is made to be shown at once, which does not hold for who shows one after another. */
function seekerOf({ isolate, ip }: Visit, { setup }: Shown, now: number): "client" | "newcomer" {
  return setup === undefined || isolate.unknowns.has(rateKey(ip), now) ? "client" : "newcomer";
}

/** @returns False for what this address has shown before: who guesses comes with another each time. */
function noteUnknown({ isolate, ip }: Visit, { own, setup }: Shown, now: number): boolean {
  const digests = setup === undefined ? own : [setup];
  const others = digests.filter((digest) => isolate.unknowns.note(rateKey(ip), digest, now));
  return others.length > 0;
}

/**
 * What it shows was made a moment ago, perhaps: told that it is wrong, a device would throw its token
 * away. It comes again with the same, which counts once.
 */
async function putOff(
  visit: Visit,
  id: string,
  isGuess: boolean,
  now: number,
): Promise<ConnectRefusal> {
  const locked = isGuess ? await countRefused(visit, id, now) : undefined;
  return locked ?? unavailable(id, "gateway credentials are being updated", RETRY_MS);
}

/** A client that says it is a device has to prove it, whatever else it shows. */
async function proven(
  caller: Caller,
  { id, params }: Connect,
  challenge: Challenge,
  now: number,
): Promise<Result<Caller, ConnectRefusal>> {
  const { device } = params;
  const fault = device && (await checkDeviceProof(device, params, challenge.nonce, now));
  return fault === undefined ? ok(caller) : err(badProof(id, fault));
}

function shownIn({ auth }: Pick<ConnectParams, "auth">): readonly string[] {
  const all = [auth.token, auth.password, auth.deviceToken].map((shown) => shown ?? "");
  return all.filter((shown) => shown !== "");
}

/** A setup code counts where nothing else is shown; empty for none. */
function setupCodeIn(params: Pick<ConnectParams, "auth">): string {
  return shownIn(params).length === 0 ? (params.auth.bootstrapToken ?? "") : "";
}

/** Nothing is shown but what is called a device's own token or a setup code, which nobody can guess. */
function isOwn({ auth, device }: ConnectParams): boolean {
  const { deviceToken } = auth;
  return device !== undefined && shownIn({ auth }).every((shown) => shown === deviceToken);
}

/** What a client shows, by its digests. */
interface Shown {
  /** Tokens and passwords. */
  readonly own: readonly string[];
  readonly setup: string | undefined;
}

async function digestsOf(params: Pick<ConnectParams, "auth">): Promise<Shown> {
  const own = await Promise.all(shownIn(params).filter(isShort).map(digestOf));
  const [setup] = await Promise.all([setupCodeIn(params)].filter(isShort).map(digestOf));
  return { own, setup };
}

/** Whoever any of this belongs to, as far as is known now. */
function holdersOf({ own, setup }: Shown, verifiers: Verifiers, now: number): Caller[] {
  const newcomer = setup === undefined ? undefined : verifiers.newcomer(setup, now);
  return [
    ...own.flatMap((digest) => verifiers.find(digest) ?? []),
    ...(newcomer ? [newcomer] : []),
  ];
}

function isShort({ length }: string): boolean {
  return length > 0 && length <= MAX_CREDENTIAL_LENGTH;
}

/** A device token is good in the hands of its device alone; one for chats opens no gateway. */
function isFor(holder: Caller, params: ConnectParams): boolean {
  if (holder.isPassing === true) return params.device !== undefined;
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
  const locked = await countRefused(visit, id, now);
  return locked ?? credentialMismatch(id, auth, device !== undefined);
}

/** @returns What is said from now on to an address that has guessed too often; undefined: nothing yet. */
async function countRefused(
  visit: Visit,
  id: string,
  now: number,
): Promise<ConnectRefusal | undefined> {
  try {
    await countGuess({ ...visit, now });
    return undefined;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return rateLimited(id, error.retryAfterMs ?? 0);
  }
}
