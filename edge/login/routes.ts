import { fromUtf8, randomToken } from "../../shared/bytes.ts";
import { CODES, GatewayError } from "../../shared/errors.ts";
import { type Handle, notAllowed } from "../answer.ts";
import { readBody } from "../body.ts";
import { logLine } from "../log.ts";
import { authenticate, noCore } from "../middleware/authenticate.ts";
import { findCaller, noteUnknown } from "../middleware/bearer.ts";
import { countGuess, refuseLockedOut } from "../middleware/rate-limit.ts";
import type { Caller } from "../verifiers.ts";
import type { Visit } from "../visit.ts";
import { cookieName, setCookie } from "./cookie.ts";
import { LOGIN_PATH, nextPath } from "./next-path.ts";
import { isFromOwnPage } from "./own-page.ts";
import { type LoginPage, renderLoginPage } from "./page.ts";
import { freshPolicy, policyOf } from "./policy.ts";
import { writeSession } from "./session.ts";
import { writeTicket } from "./ticket.ts";
import { findVisitor } from "./visitor.ts";

/** A token of the longest kind, escaped, and what a password manager may add. */
const MAX_FORM_BYTES = 8 * 1024;

/** A relay of the version before signs nothing yet; it is replaced within moments of a deploy. */
const KEYLESS_RETRY_MS = 5_000;

const NOT_ENCRYPTED =
  "This address is not encrypted, and a session would not be safe on it. Use https. A proxy " +
  "that does TLS in front of this edge must send X-Forwarded-Proto.";

/**
 * GET, POST /auth/login: the page where people show their token, and what it is sent to.
 *
 * @param otherwise - Answers while nobody may sign in here: then the path is not ours.
 */
export async function login(visit: Visit, otherwise: Handle): Promise<Response> {
  if (!(await freshPolicy(visit)).isOn) return otherwise(visit);
  const { method } = visit.request;
  if (method === "POST") return signIn(visit);
  if (method === "GET" || method === "HEAD") return showLogin(visit);
  return notAllowed(visit, "GET, HEAD, POST");
}

/**
 * POST /auth/logout: takes the cookie away from the browser. Nobody else's session ends: that
 * takes a new token.
 */
export async function logout(visit: Visit, otherwise: Handle): Promise<Response> {
  if (!(await freshPolicy(visit)).isOn) return otherwise(visit);
  if (visit.request.method !== "POST") return notAllowed(visit, "POST");
  checkOwnPage(visit);
  const name = cookieName(visit.origin);
  return redirect(visit, LOGIN_PATH, name === undefined ? undefined : setCookie(name, "", 0));
}

/**
 * POST /auth/ticket: for who is known by token or cookie, a ticket that opens one WebSocket or
 * event stream.
 */
export async function ticket(visit: Visit): Promise<Response> {
  if (visit.request.method !== "POST") return notAllowed(visit, "POST");
  const caller = await authenticate(visit);
  if (caller instanceof Response) return caller;
  const { signer } = visit.isolate.verifiers;
  if (signer === undefined) throw noKey();
  const headers = { "Cache-Control": "no-store", "X-Request-Id": visit.requestId };
  return Response.json(await writeTicket(signer, caller.digest, visit.now), { headers });
}

async function showLogin(visit: Visit): Promise<Response> {
  if (cookieName(visit.origin) === undefined) return closed(visit);
  const visitor = await findVisitor(visit);
  if (!visitor.ok) return page(visit, 200, { kind: "form", problem: undefined });
  const { subject } = visitor.value.principal;
  return page(visit, 200, { kind: "signed_in", subject, next: nextOf(visit) });
}

async function signIn(visit: Visit): Promise<Response> {
  const name = cookieName(visit.origin);
  if (name === undefined) return closed(visit);
  checkOwnPage(visit);
  try {
    refuseLockedOut(visit);
    const { principal, digest } = await holderOfForm(visit);
    const { signer } = visit.isolate.verifiers;
    if (signer === undefined) throw noKey();
    const { lifetimeMs } = policyOf(visit.isolate);
    const value = await writeSession(signer, { digest, expiresAt: visit.now + lifetimeMs });
    const { subject } = principal;
    logLine("info", { event: "signed_in", subject, requestId: visit.requestId });
    return redirect(visit, nextOf(visit), setCookie(name, value, lifetimeMs / 1_000));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return tryAgain(visit, error);
  }
}

async function holderOfForm(visit: Visit): Promise<Caller> {
  const token = await tokenOf(visit);
  const found = await findCaller(visit, `Bearer ${token}`);
  if (found.ok) return found.value;
  if (!visit.isolate.verifiers.published) throw noCore();
  // Whoever types it sees what is said, and tries it again: it is no device that would throw it away.
  if (found.error === undefined) await countGuess(visit);
  else await noteUnknown(visit, { ...found.error, isWrong: true });
  throw new GatewayError("unauthenticated", "This is not a token of this gateway.");
}

async function tokenOf(visit: Visit): Promise<string> {
  const type = visit.header("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) {
    throw new GatewayError("unsupported_media_type", "Only the form of this page is taken here.");
  }
  const body = fromUtf8(await readBody(visit.request.body, MAX_FORM_BYTES));
  return new URLSearchParams(body).get("token")?.trim() ?? "";
}

/** The same form again, with what went wrong. */
function tryAgain(visit: Visit, error: GatewayError): Response {
  const { code, message, retryAfterMs } = error;
  logLine("warn", { event: "sign_in_refused", code, requestId: visit.requestId });
  const { status } = CODES[code];
  const response = page(visit, status, { kind: "form", problem: message });
  if (status === 401) response.headers.set("WWW-Authenticate", 'Bearer realm="sallyport"');
  if (retryAfterMs !== undefined) {
    response.headers.set("Retry-After", String(Math.ceil(retryAfterMs / 1_000)));
  }
  return response;
}

function closed(visit: Visit): Response {
  return page(visit, CODES.forbidden.status, { kind: "closed", problem: NOT_ENCRYPTED });
}

/** @throws GatewayError `forbidden`: a page of others must not sign anybody in or out. */
function checkOwnPage(visit: Visit): void {
  if (isFromOwnPage(visit)) return;
  throw new GatewayError("forbidden", "This form was sent by a page of another origin");
}

function noKey(): GatewayError {
  return new GatewayError("overloaded", "The edge is being updated. Try again in a moment.", {
    retryAfterMs: KEYLESS_RETRY_MS,
  });
}

function nextOf({ query, origin }: Visit): string {
  return nextPath(new URLSearchParams(query).get("next"), origin);
}

function redirect({ requestId }: Visit, location: string, cookie: string | undefined): Response {
  const headers = new Headers({
    Location: location,
    "Cache-Control": "no-store",
    "X-Request-Id": requestId,
  });
  if (cookie !== undefined) headers.set("Set-Cookie", cookie);
  return new Response(null, { status: 303, headers });
}

function page(visit: Visit, status: number, content: LoginPage["content"]): Response {
  const nonce = randomToken(16);
  const host = visit.origin.slice(visit.origin.indexOf("://") + 3);
  return new Response(renderLoginPage({ host, nonce, content }), {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Cache-Control": "no-store",
      "Content-Security-Policy":
        `default-src 'none'; style-src 'nonce-${nonce}'; img-src data:; form-action 'self'; ` +
        "base-uri 'none'; frame-ancestors 'none'",
      // Not `no-referrer`: with that browsers say `Origin: null` for the form of this page.
      "Referrer-Policy": "same-origin",
      "Cross-Origin-Opener-Policy": "same-origin",
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      "X-Request-Id": visit.requestId,
    },
  });
}
