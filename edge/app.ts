import type { Context } from "hono";
import { HonoBase as Hono } from "hono/hono-base";
import { answer, type Handle, notAllowed } from "./answer.ts";
import type { Bindings } from "./env.ts";
import { ExactRouter } from "./exact-router.ts";
import { greet, mayBeGreeted } from "./gateway/greet.ts";
import { renewed } from "./login/cookie.ts";
import { login, logout, ticket } from "./login/routes.ts";
import { withoutTicket } from "./login/ticket.ts";
import { findVisitor } from "./login/visitor.ts";
import { authenticate, authorize, unauthenticated } from "./middleware/authenticate.ts";
import { checkLimits, refuseUrlCredentials } from "./middleware/limits.ts";
import { limitClient } from "./middleware/rate-limit.ts";
import { forward } from "./routes/forward.ts";
import { health } from "./routes/health.ts";
import { hooks } from "./routes/hooks.ts";
import { pair, tunnel } from "./routes/tunnel.ts";
import type { Caller } from "./verifiers.ts";
import type { Visit } from "./visit.ts";

type EdgeTypes = { Bindings: Bindings };

/**
 * The whole edge. The order of the calls in a route is its security policy: nothing reads a body
 * or wakes the relay before the sender has proved who it is.
 *
 * They are plain calls in one handler a route. As five Hono middlewares they cost each request
 * 40 µs, a quarter of what the bare hop to the relay costs.
 */
export function createApp(): Hono<EdgeTypes> {
  const app = new Hono<EdgeTypes>({ router: new ExactRouter() });
  for (const path of ["/health", "/healthz"]) {
    app.get(path, at(enter(health)));
    app.all(path, at(enter(only("GET, HEAD"))));
  }
  app.get("/tunnel", at(enter(tunnel)));
  app.all("/tunnel", at(enter(only("GET"))));
  app.post("/tunnel/pair", at(enter(pair)));
  app.all("/tunnel/pair", at(enter(only("POST"))));
  app.get("/tunnel/:relay", at(enter(tunnel)));
  app.all("/tunnel/:relay", at(enter(only("GET"))));
  app.all("/hooks/:route", at(enter(hooks)));
  app.all("/auth/login", at(enter((visit) => login(visit, toCore))));
  app.all("/auth/logout", at(enter((visit) => logout(visit, toCore))));
  app.all("/auth/ticket", at(enter(ticket)));
  app.all("/api/auth/check", at(enter(authCheck)));
  app.all("*", at(enter(toCore)));
  return app;
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

function only(allow: string): Handle {
  return (visit) => notAllowed(visit, allow);
}

function at(handle: Handle): (context: Context<EdgeTypes>) => Promise<Response> {
  return (context) => {
    const keepAlive = (work: Promise<unknown>): void => context.executionCtx.waitUntil(work);
    return answer(context.req.raw, context.env, keepAlive, handle);
  };
}
