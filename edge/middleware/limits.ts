import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { Visit } from "../visit.ts";

/** How the edge signs itself in `Via` (RFC 9110 section 7.6.3): a pseudonym, not a host. */
export const VIA = "1.1 sallyport";

/** Source: https://fetch.spec.whatwg.org/#forbidden-method */
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);
const OUR_VIA = /\bsallyport\b/g;
/** Tokens in URLs end up in logs, histories and referrers. */
const URL_CREDENTIAL = /[?&](?:access_)?token=/i;

/**
 * Refuses what is too large or goes round in circles, before anything looks at it closer.
 *
 * @throws GatewayError `method_not_allowed`, `uri_too_long`, `headers_too_large`, `too_large`, `loop`.
 */
export function checkLimits({ headers, path, query, request }: Visit): void {
  // The fetch standard, in which the core is written, cannot even say these.
  if (FORBIDDEN_METHODS.has(request.method)) {
    throw new GatewayError("method_not_allowed", `${request.method} goes no further than here`);
  }
  if (path.length + query.length > LIMITS.maxUrlBytes) {
    throw new GatewayError("uri_too_long", `The limit is ${LIMITS.maxUrlBytes} bytes`);
  }
  let bytes = 0;
  let via = "";
  let length = "0";
  for (const [name, value] of headers) {
    bytes += name.length + value.length;
    if (name === "via") via = value;
    else if (name === "content-length") length = value;
  }
  if (bytes > LIMITS.maxRequestHeaderBytes) {
    throw new GatewayError(
      "headers_too_large",
      `The limit is ${LIMITS.maxRequestHeaderBytes} bytes`,
    );
  }
  if (Number(length) > LIMITS.maxRequestBodyBytes) throw bodyTooLarge(LIMITS.maxRequestBodyBytes);
  if (via !== "" && hopsIn(via) >= LIMITS.maxHops) {
    throw new GatewayError("loop", `Passed this gateway ${LIMITS.maxHops} times already`);
  }
}

/** @throws GatewayError `invalid_request` for `?token=` and `?access_token=`. */
export function refuseUrlCredentials({ query }: Visit): void {
  if (query !== "" && URL_CREDENTIAL.test(query)) {
    throw new GatewayError(
      "invalid_request",
      "Tokens do not belong in a URL: send `Authorization: Bearer <token>`. " +
        "Treat the one in this URL as leaked",
    );
  }
}

export function bodyTooLarge(limit: number): GatewayError {
  return new GatewayError("too_large", `The limit for this body is ${limit} bytes`);
}

/** How often this gateway stands in a `Via` header. */
export function hopsIn(via: string): number {
  return via.match(OUR_VIA)?.length ?? 0;
}
