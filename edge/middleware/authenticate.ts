import { GatewayError } from "../../shared/errors.ts";
import type { Scope } from "../../shared/principal.ts";
import { loginPathFor } from "../login/next-path.ts";
import { freshPolicy } from "../login/policy.ts";
import { findVisitor } from "../login/visitor.ts";
import type { Caller } from "../verifiers.ts";
import type { Visit } from "../visit.ts";
import { findCaller, noteUnknown } from "./bearer.ts";
import { countFailure, countGuess, refuseLockedOut } from "./rate-limit.ts";

/** How soon a client may ask again while the edge has never heard of a core. */
const NO_CORE_RETRY_MS = 5_000;

/** Below this path a token for chats is enough, and no answer is for people to look at. */
const CHAT_PREFIX = "/v1/";

/**
 * Who sent this: by bearer token, by cookie, or by ticket. A person who has none of them is shown
 * to the login page, where there is one. Missing, malformed and wrong credentials get the same
 * answer, and none of them wakes the relay.
 *
 * @throws GatewayError `unauthenticated`; `rate_limited` after too many of those; `forbidden` for
 *   what a page of others made a browser do; `core_offline` while there is nothing to check
 *   credentials against; `credentials_pending` while a token may be newer than what there is.
 */
export function authenticate(visit: Visit): Caller | Promise<Caller | Response> {
  const authorization = visit.header("authorization") ?? "";
  if (authorization !== "") refuseLockedOut(visit);
  return visit.isolate.verifiers.remembered(authorization) ?? prove(visit, authorization);
}

async function prove(visit: Visit, authorization: string): Promise<Caller | Response> {
  const found = await findCaller(visit, authorization);
  if (found.ok) return found.value;
  // A wrong token may be meant for what is behind us, by a page whose cookie is meant for us.
  const visitor = await findVisitor(visit);
  if (visitor.ok) return visitor.value;
  const { reason } = visitor.error;
  if (reason === "foreign") {
    throw new GatewayError("forbidden", "Pages of other origins may not use this session");
  }
  const unknown = found.error;
  const hasToken = unknown !== undefined;
  if (reason === "unchecked" || (hasToken && !visit.isolate.verifiers.published)) throw noCore();
  if (reason === "forged") await countGuess(visit);
  if (hasToken) throw (await noteUnknown(visit, unknown)) ?? unauthenticated();
  return turnAway(visit, reason);
}

/** Nobody guesses who comes with nothing, or with what once was good. */
async function turnAway(visit: Visit, reason: string): Promise<Response> {
  const login = await loginFor(visit);
  if (login !== undefined) return login;
  if (reason === "absent") await countFailure(visit, "nobody");
  throw unauthenticated();
}

/** The same for everybody who is not known, whatever is wrong. */
export function unauthenticated(): GatewayError {
  return new GatewayError("unauthenticated", "A valid bearer token is required");
}

/** The way to the login page, if this is a person in front of a browser and there is such a page. */
async function loginFor(visit: Visit): Promise<Response | undefined> {
  if (!isNavigation(visit) || !(await freshPolicy(visit)).isOn) return undefined;
  const { path, query, requestId } = visit;
  const location = loginPathFor({ method: visit.request.method, path, query });
  return new Response(null, {
    status: 303,
    headers: { Location: location, "Cache-Control": "no-store", "X-Request-Id": requestId },
  });
}

function isNavigation(visit: Visit): boolean {
  if (visit.path.startsWith(CHAT_PREFIX)) return false;
  const mode = visit.header("sec-fetch-mode");
  if (mode !== undefined) return mode === "navigate";
  return visit.request.method === "GET" && visit.header("accept")?.includes("text/html") === true;
}

/** For a credential that nothing here can be checked against yet. */
export function noCore(): GatewayError {
  return new GatewayError("core_offline", "No core has ever connected to this edge", {
    retryAfterMs: NO_CORE_RETRY_MS,
  });
}

/**
 * @param method - Undefined: whatever the path may be asked for.
 * @throws GatewayError `forbidden` when the caller's token is not for this path.
 */
export function authorize(caller: Caller, path: string, method?: string): void {
  if (caller.principal.scopes.some((scope) => isEnough(scope, path))) return;
  // Who may only read: on a WebSocket, the core looks at each request.
  if (mayRead(caller) && (method === "GET" || method === "HEAD")) return;
  throw new GatewayError("forbidden", "This token is not valid for this path");
}

function mayRead({ operatorScopes = [] }: Caller): boolean {
  return operatorScopes.includes("operator.read");
}

function isEnough(scope: Scope, path: string): boolean {
  return scope === "operator" || (scope === "chat" && path.startsWith(CHAT_PREFIX));
}
