import { answer, type Handle } from "./answer.ts";
import type { Bindings } from "./env.ts";
import { greet, mayBeGreeted } from "./gateway/greet.ts";
import { isHook } from "./ingress/hook-path.ts";
import { renewed } from "./login/cookie.ts";
import { login, logout, ticket } from "./login/routes.ts";
import { withoutTicket } from "./login/ticket.ts";
import { findVisitor } from "./login/visitor.ts";
import { authenticate, authorize, unauthenticated } from "./middleware/authenticate.ts";
import { checkLimits, refuseUrlCredentials } from "./middleware/limits.ts";
import { limitClient } from "./middleware/rate-limit.ts";
import { type Route, routerOf } from "./router.ts";
import { forward } from "./routes/forward.ts";
import { health } from "./routes/health.ts";
import { hooks } from "./routes/hooks.ts";
import { pair, tunnel } from "./routes/tunnel.ts";
import type { Caller } from "./verifiers.ts";
import type { Visit } from "./visit.ts";

const ROUTES: readonly Route[] = [
  { path: "/health", methods: ["GET", "HEAD"], handle: health },
  { path: "/healthz", methods: ["GET", "HEAD"], handle: health },
  { path: "/tunnel", methods: ["GET"], handle: tunnel },
  { path: "/tunnel/pair", methods: ["POST"], handle: pair },
  { path: "/tunnel/:relay", methods: ["GET"], handle: tunnel },
  { path: "/hooks/:route", handle: hooks },
  { path: "/auth/login", handle: (visit) => login(visit, toCore) },
  { path: "/auth/logout", handle: (visit) => logout(visit, toCore) },
  { path: "/auth/ticket", handle: ticket },
  { path: "/api/auth/check", handle: authCheck },
  { path: "*", handle: elsewhere },
];

/**
 * The whole edge. The order of the calls in a route is its security policy: nothing reads a body
 * or wakes the relay before the sender has proved who it is.
 *
 * They are plain calls, and the router knows no more than these paths. Hono, which the core has,
 * would be a twentieth of the script that every isolate loads, and as five middlewares it cost each
 * request 40 µs, a quarter of what the bare hop to the relay costs.
 */
export function createApp(): ExportedHandler<Bindings> &
  Required<Pick<ExportedHandler<Bindings>, "fetch">> {
  const handlerFor = routerOf(ROUTES);
  const handle = enter((visit) => handlerFor(visit.request.method, visit.path)(visit));
  return {
    async fetch(request, bindings, context) {
      const keepAlive = (work: Promise<unknown>): void => context.waitUntil(work);
      const response = await answer(request, bindings, keepAlive, handle);
      return request.method === "HEAD" ? new Response(null, response) : response;
    },
  };
}

/** Webhooks at another place than `/hooks`, which the core may choose; and what is for the core. */
function elsewhere(visit: Visit): Response | Promise<Response> {
  const isForHooks = isHook(visit);
  if (typeof isForHooks === "boolean") return isForHooks ? hooks(visit) : toCore(visit);
  return isForHooks.then((it) => (it ? hooks(visit) : toCore(visit)));
}

/** Everything that is not the edge's own business. */
async function toCore(visit: Visit): Promise<Response> {
  const caller = (await greeted(visit)) ?? (await authenticate(visit));
  // The first frame of a WebSocket will tell; or the way to the login page.
  if (caller instanceof Response) return caller;
  authorize(caller, visit.path, visit.request.method);
  const query = visit.query === "" ? "" : withoutTicket(visit.query);
  const response = await forward(query === visit.query ? visit : { ...visit, query }, caller);
  return caller.setCookie === undefined ? response : renewed(response, caller.setCookie);
}

/** A WebSocket of somebody who shows nothing, or nothing that still counts. */
async function greeted(visit: Visit): Promise<Caller | Response | undefined> {
  if (!mayBeGreeted(visit)) return undefined;
  const visitor = await findVisitor(visit);
  if (visitor.ok) return visitor.value;
  const { reason } = visitor.error;
  return reason === "absent" || reason === "ended" ? greet(visit) : undefined;
}

/**
 * ALL /api/auth/check: for proxies that ask before they let somebody through. What they then let
 * through may be anything, so it takes a credential that is good for everything.
 */
async function authCheck(visit: Visit): Promise<Response> {
  const caller = await authenticate(visit);
  // Whether a ticket was used before, only the relay knows, and nobody asks it here.
  if (caller instanceof Response || caller.ticket !== undefined) throw unauthenticated();
  authorize(caller, visit.path);
  const headers = { "Cache-Control": "no-store", "X-Request-Id": visit.requestId };
  return new Response(null, { status: 204, headers });
}

/** What comes before everything else, on every path. */
function enter(handle: Handle): Handle {
  return async (visit: Visit) => {
    checkLimits(visit);
    await limitClient(visit);
    refuseUrlCredentials(visit);
    return handle(visit);
  };
}
