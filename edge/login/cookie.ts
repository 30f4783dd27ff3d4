/**
 * The one cookie of the edge, on its way in and out. Pure.
 *
 * With TLS its name has the prefix by which browsers see to it that nobody but this very host
 * can set it. Without TLS there is no such name, and a session only on the loopback, where
 * nobody else is on the line: elsewhere the first listener would have it.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc6265
 */

const SECURE_NAME = "__Host-sallyport";
const LOOPBACK_NAME = "sallyport";

const LOOPBACK = /^http:\/\/(?:localhost|[\w.-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/;

/**
 * What the cookie is called at this origin; undefined where there can be none.
 *
 * @param origin - As in `Visit.origin`: scheme, host and port, no more.
 */
export function cookieName(origin: string): string | undefined {
  if (origin.startsWith("https://")) return SECURE_NAME;
  return LOOPBACK.test(origin) ? LOOPBACK_NAME : undefined;
}

/**
 * The value of one cookie of a `Cookie` header. Of two of one name neither: browsers send none
 * twice unless somebody slipped one in beside it.
 */
export function cookieIn(header: string, name: string): string | undefined {
  let found: string | undefined;
  for (const pair of header.split(";")) {
    const trimmed = pair.trim();
    if (!trimmed.startsWith(name) || trimmed[name.length] !== "=") continue;
    if (found !== undefined) return undefined;
    found = trimmed.slice(name.length + 1);
  }
  return found;
}

/** A `Cookie` header for what is behind the edge: without ours, and empty when that was all. */
export function withoutOurs(header: string): string {
  if (!header.includes(LOOPBACK_NAME)) return header;
  return header.replaceAll(OURS, "").replace(/^[;,]\s*/, "");
}

/** Between commas as well: that is how two `Cookie` headers become one. */
const OURS = /(?:^|[;,])\s*(?:__Host-)?sallyport\s*(?:=[^;,]*)?(?=[;,]|$)/g;

/**
 * A `Set-Cookie` header.
 *
 * `SameSite=Lax` and not `Strict`: with that a link from a chat to the gateway would lead to the
 * login page every time. What Lax lets through, a page of others that is followed by GET, changes
 * nothing; for all else the edge looks at `Origin` itself.
 *
 * @param maxAgeSeconds - 0 removes it.
 */
export function setCookie(name: string, value: string, maxAgeSeconds: number): string {
  const secure = name === SECURE_NAME ? "; Secure" : "";
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** Says that any cache may keep an answer, and hand it to somebody else. */
const SHARED = /\b(?:public|s-maxage)\b/i;

/** The answer with a cookie added, unless a cache could give that cookie to others. */
export function renewed(response: Response, cookie: string): Response {
  if (SHARED.test(response.headers.get("Cache-Control") ?? "")) return response;
  const headers = new Headers(response.headers);
  headers.append("Set-Cookie", cookie);
  const { body, status, statusText } = response;
  // Manual, because a body the core has compressed passes as it is.
  return new Response(body, { status, statusText, headers, encodeBody: "manual" });
}
