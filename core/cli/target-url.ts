/** Addresses of gateways as people write them. Pure. */
import { GatewayError } from "../../shared/errors.ts";

const HTTP_OF: Readonly<Record<string, string>> = {
  "ws:": "http:",
  "wss:": "https:",
  "http:": "http:",
  "https:": "https:",
};

/**
 * The address as `http:` or `https:`, without what has no place in it.
 *
 * @param name - Of the flag, variable or setting it came from.
 * @throws GatewayError invalid_request for what is no address of a gateway, and for one that holds a
 *   credential: addresses end up in logs and histories.
 */
export function gatewayUrl(text: string, name: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const protocol = HTTP_OF[url?.protocol ?? ""];
  if (url === undefined || protocol === undefined) {
    throw new GatewayError(
      "invalid_request",
      `${name} must be the address of a gateway: http, https, ws or wss`,
    );
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new GatewayError(
      "invalid_request",
      `${name} must be an address and nothing else: say credentials with --token or --password`,
    );
  }
  const path = url.pathname.replace(/\/+$/, "");
  return `${protocol}//${url.host}${path}`;
}

/**
 * Refuses to send a credential in the clear to where it could be read on the way.
 *
 * @throws GatewayError forbidden
 */
export function checkPlaintext(url: string): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === "https:" || isNearby(hostname)) return;
  throw new GatewayError(
    "forbidden",
    `${url} is not encrypted, and a credential must not cross the internet like that: use https or wss`,
  );
}

/** This machine, the network it is in, or an overlay that encrypts by itself. */
function isNearby(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (host.includes(":")) return host === "::1" || /^f[cde]/.test(host);
  if (/^[\d.]+$/.test(host)) return isPrivateV4(host);
  return !host.includes(".") || /\.(?:localhost|local|lan|internal|home\.arpa|ts\.net)$/.test(host);
}

/** RFC 1918, loopback, link-local, and RFC 6598, which tailnets use. */
function isPrivateV4(host: string): boolean {
  const [a = 0, b = 0] = host.split(".").map(Number);
  if (a === 10 || a === 127) return true;
  if (a === 172) return b >= 16 && b < 32;
  if (a === 100) return b >= 64 && b < 128;
  return (a === 192 && b === 168) || (a === 169 && b === 254);
}
