import { digestOf } from "../../shared/constant-time.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { Scope } from "../../shared/principal.ts";
import type { Caller } from "../verifiers.ts";
import type { Visit } from "../visit.ts";
import { countFailure, rateKey } from "./rate-limit.ts";

/** RFC 6750 section 2.1, with a bound: nothing longer is one of ours, or worth a digest. */
const BEARER = /^Bearer +(?<token>[\x21-\x7e]{1,512})$/i;

/** How soon a client may ask again while the edge has never heard of a core. */
const NO_CORE_RETRY_MS = 5_000;

/** Below this path a token for chats is enough. */
const CHAT_PREFIX = "/v1/";

/**
 * Who sent this. Missing, malformed and wrong tokens get the same answer, and none of them wakes
 * the relay.
 *
 * @throws GatewayError `unauthenticated`; `rate_limited` after too many of those; `core_offline`
 *   while there is nothing to check a token against.
 */
export function authenticate(visit: Visit): Caller | Promise<Caller> {
  const authorization = visit.header("authorization") ?? "";
  return visit.isolate.verifiers.remembered(authorization) ?? prove(visit, authorization);
}

async function prove(visit: Visit, authorization: string): Promise<Caller> {
  const caller = await findCaller(visit, authorization);
  if (caller !== undefined) return caller;
  const { verifiers } = visit.isolate;
  if (tokenIn(authorization) !== undefined && !verifiers.published) {
    throw new GatewayError("core_offline", "No core has ever connected to this edge", {
      retryAfterMs: NO_CORE_RETRY_MS,
    });
  }
  await countFailure(visit, rateKey(visit.ip));
  throw new GatewayError("unauthenticated", "A valid bearer token is required");
}

/** The caller, if the token is good. Counts nothing: for what is open to everyone anyway. */
export async function findCaller(visit: Visit, authorization: string): Promise<Caller | undefined> {
  const token = tokenIn(authorization);
  if (token === undefined) return undefined;
  const { verifiers } = visit.isolate;
  const digest = await digestOf(token);
  const caller = verifiers.identify(digest, authorization);
  if (caller !== undefined) return caller;
  await verifiers.missed("client", visit.keepAlive, visit.now);
  return verifiers.identify(digest, authorization);
}

/** @throws GatewayError `forbidden` when the caller's token is not for this path. */
export function authorize({ principal }: Caller, path: string): void {
  if (principal.scopes.some((scope) => isEnough(scope, path))) return;
  throw new GatewayError("forbidden", "This token is not valid for this path");
}

function isEnough(scope: Scope, path: string): boolean {
  return scope === "operator" || (scope === "chat" && path.startsWith(CHAT_PREFIX));
}

function tokenIn(authorization: string): string | undefined {
  return BEARER.exec(authorization)?.groups?.["token"];
}
