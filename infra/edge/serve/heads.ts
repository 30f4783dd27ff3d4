import { type TrustedProxies, clientAddress, plainAddress } from "./trusted-proxies.ts";

/**
 * What the front changes in the heads that pass it. Pure; flat lists of names and values, as
 * Node's parser gives and takes them, so that duplicates and their order stay.
 */

/** How a request came in. */
export interface Arrival {
  /** Address of the other end of the connection. */
  readonly peer: string | undefined;
  /** Whether that connection is TLS. */
  readonly secure: boolean;
}

/** Of this connection alone (RFC 9110 section 7.6.1); the next one has its own. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
]);

/** Answered by the front already. */
const EXPECT = "expect";

/** No address at all, as the edge would say it. */
const NOWHERE = "0.0.0.0";

/**
 * The head of a request as the runtime gets it: what only Cloudflare may say (`CF-…`) and
 * `X-Forwarded-Proto` come from us alone.
 */
export function requestHeaders(
  raw: readonly string[],
  arrival: Arrival,
  trusted: TrustedProxies,
): string[] {
  const headers = pairs(raw);
  const dropped = droppedNames(headers);
  const kept = headers.filter(([name]) => {
    const key = name.toLowerCase();
    if (dropped.has(key) || key === EXPECT || key === "x-forwarded-proto") return false;
    return !key.startsWith("cf-");
  });
  const peer = plainAddress(arrival.peer ?? "") ?? NOWHERE;
  const own = arrival.secure ? "https" : "http";
  const scheme = trusted.has(peer) ? (forwardedProto(headers) ?? own) : own;
  kept.push(
    ["CF-Connecting-IP", clientAddress(peer, valueOf(headers, "x-forwarded-for"), trusted)],
    ["X-Forwarded-Proto", scheme],
  );
  return kept.flat();
}

/** The head of an answer as the client gets it; Node's server frames the body anew. */
export function responseHeaders(raw: readonly string[]): string[] {
  const headers = pairs(raw);
  const dropped = droppedNames(headers).add("transfer-encoding");
  return headers.filter(([name]) => !dropped.has(name.toLowerCase())).flat();
}

/** Somebody says whom a request comes from, and is not believed. */
export function isUntrustedProxy(
  raw: readonly string[],
  peer: string | undefined,
  trusted: TrustedProxies,
): boolean {
  const address = plainAddress(peer ?? "") ?? NOWHERE;
  return valueOf(pairs(raw), "x-forwarded-for") !== "" && !trusted.has(address);
}

function pairs(raw: readonly string[]): [name: string, value: string][] {
  const headers: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) headers.push([raw[at] ?? "", raw[at + 1] ?? ""]);
  return headers;
}

/** A list header, all its lines together; empty when it is not there. */
function valueOf(headers: readonly (readonly [string, string])[], wanted: string): string {
  const found = headers.filter(([name]) => name.toLowerCase() === wanted);
  return found.map(([, value]) => value).join(",");
}

function droppedNames(headers: readonly (readonly [string, string])[]): Set<string> {
  const named = valueOf(headers, "connection").toLowerCase().split(",");
  return new Set([...HOP_BY_HOP, ...named.map((name) => name.trim())]);
}

/** What the proxy nearest to us has said. */
function forwardedProto(headers: readonly (readonly [string, string])[]): string | undefined {
  const last = valueOf(headers, "x-forwarded-proto").split(",").at(-1)?.trim().toLowerCase();
  return last === "https" || last === "http" ? last : undefined;
}
