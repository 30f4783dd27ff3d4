import { isIPv6 } from "node:net";
import { HOP_BY_HOP } from "../../shared/hop-by-hop.ts";
import type { Caller } from "../tunnel/handlers.ts";
import { traceparentOf } from "../tunnel/serve/trace.ts";
import type { UpstreamSettings } from "./settings.ts";

/**
 * What does not go on: of this hop alone (RFC 9110 section 7.6.1), made anew for the next one, or a
 * claim about the sender that anybody could have made.
 */
const DROPPED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  "authorization",
  "expect",
  "forwarded",
  "host",
  "true-client-ip",
  "x-real-ip",
]);
const DROPPED_PREFIXES = ["x-forwarded-", "x-gw-", "cf-", "sec-websocket-"];

/** Of the settings, what the headers depend on. */
export type HeaderSettings = Pick<
  UpstreamSettings,
  "url" | "token" | "preserveHost" | "trustForwarded"
>;

/** A request as it came to the edge. */
export interface Incoming {
  /** As the client wrote it: scheme and host are the public ones. */
  readonly url: URL;
  readonly headers: Headers;
  readonly caller: Pick<Caller, "ip" | "requestId">;
}

/** The headers with which the upstream gets a request, names in lower case. Pure. */
export function upstreamHeaders(
  { url, headers, caller }: Incoming,
  settings: HeaderSettings,
): Record<string, string> {
  const sent: Record<string, string> = {
    host: settings.preserveHost ? url.host : settings.url.host,
  };
  for (const [name, value] of headers) {
    const dropped = DROPPED.has(name) || DROPPED_PREFIXES.some((start) => name.startsWith(start));
    if (!dropped) sent[name] = value;
  }
  if (settings.token !== undefined) sent["authorization"] = `Bearer ${settings.token.reveal()}`;
  sent["x-request-id"] = caller.requestId;
  sent["traceparent"] = traceparentOf(headers.get("traceparent"), caller.requestId);
  return settings.trustForwarded ? { ...sent, ...forwarded(url, caller.ip) } : sent;
}

/** For upstreams that believe it; some refuse a request that has any of these. */
function forwarded({ protocol, host }: URL, ip: string): Record<string, string> {
  const scheme = protocol.slice(0, -1);
  // RFC 7239 section 6: IPv6 addresses stand in brackets, and both need quotes.
  const node = isIPv6(ip) ? `"[${ip}]"` : ip;
  return {
    "x-forwarded-for": ip,
    "x-forwarded-proto": scheme,
    "x-forwarded-host": host,
    "x-real-ip": ip,
    forwarded: `for=${node};host="${host}";proto=${scheme}`,
  };
}
