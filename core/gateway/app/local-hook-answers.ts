/** What senders are told at our own port. Those with the hooks token are answered as OpenClaw does. */
import { CODES, GatewayError } from "../../../shared/errors.ts";
import type { DeskRoute } from "../../webhooks/route-table.ts";

/** Its senders have a token of ours, and know the answers of the gateway contract. */
function isOwn({ scheme }: DeskRoute): boolean {
  return scheme.name === "bearer";
}

/** The answer of a route that OpenClaw has as well; undefined: that of its scheme. */
export function hookAnswer({ cases }: DeskRoute): Response | undefined {
  const [first] = cases;
  return cases.length === 1 && first?.target.kind === "hook" && first.target.hook === "wake"
    ? Response.json({ ok: true, mode: "now", eventOutcome: "queued" })
    : undefined;
}

/** @throws GatewayError for senders who are not ours: the same for every way to be wrong. */
export function unauthorized(route: DeskRoute): Response {
  if (!isOwn(route))
    throw new GatewayError("unauthenticated", "The sender is not who it should be");
  return new Response("Unauthorized", {
    status: 401,
    headers: { "WWW-Authenticate": "Bearer", "Content-Type": "text/plain; charset=utf-8" },
  });
}

/** With the methods that there are. */
export function methodNotAllowed({ methods }: DeskRoute): Response {
  return new Response("Method Not Allowed", {
    status: 405,
    headers: { Allow: methods.join(", "), "Content-Type": "text/plain; charset=utf-8" },
  });
}

/** @throws What was given, unless its sender is one of ours and can do something about it. */
export function failedHook(route: DeskRoute, error: unknown): Response {
  const text = error instanceof GatewayError && isOwn(route) ? textOf(error) : undefined;
  if (text === undefined || !(error instanceof GatewayError)) throw error;
  return Response.json({ ok: false, error: text }, { status: CODES[error.code].status });
}

function textOf({ code, message }: GatewayError): string | undefined {
  if (code === "too_large") return "payload too large";
  return code === "invalid_request" ? message : undefined;
}
