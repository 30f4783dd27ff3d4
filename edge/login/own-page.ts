/**
 * Cookies come along with whatever makes a browser send a request, also with what a page of
 * others makes it send. Bearer tokens and tickets do not: this check is for cookies. Pure.
 */
import type { Arrival } from "./arrival.ts";

/**
 * True when a page of this very origin sent the request, by the word of the browser.
 *
 * Every browser names the origin of a WebSocket or a POST. It says `null` for the form of a page
 * with `Referrer-Policy: no-referrer`; then `Sec-Fetch-Site` tells, which no page can set either.
 *
 * Source: https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/
 */
export function isFromOwnPage(asked: Pick<Arrival, "origin" | "header">): boolean {
  const origin = asked.header("origin");
  if (origin !== undefined && origin !== "null") return origin === asked.origin;
  return asked.header("sec-fetch-site") === "same-origin";
}
