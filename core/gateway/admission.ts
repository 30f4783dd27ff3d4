/**
 * What a request to our own port must look like before anything reads it. Pure.
 *
 * The port is reachable by every program of the machine, web pages in its browser among them. A
 * page can send requests, and after DNS rebinding even read the answers, but it cannot forge
 * `Host` and `Origin`: so those are checked here, and the token after them.
 */
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";

/** The head of a request, as Node's parser gives it. */
export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly upgrade: boolean;
}

/** Methods that change nothing, so a foreign page gains nothing by sending them (RFC 9110 section 9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
/** Query parameters that people put credentials in; URLs end up in logs and histories. */
const CREDENTIAL_QUERY = /[?&](?:access_token|password|token)=/i;
const FORWARDING_HEADER = /^(?:forwarded|x-forwarded-.+|x-real-ip)$/i;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/**
 * Why a request is refused, or undefined when it may go on.
 *
 * @param allowedHosts - Further names this gateway is reached by, lower case, without port.
 */
export function refusalOf(
  head: RequestHead,
  allowedHosts: ReadonlySet<string>,
): GatewayError | undefined {
  return refusedTarget(head.target) ?? refusedHeaders(head) ?? refusedSender(head, allowedHosts);
}

function refusedTarget(target: string): GatewayError | undefined {
  if (target.length > LIMITS.maxUrlBytes) {
    return new GatewayError("uri_too_long", `A URL may have ${LIMITS.maxUrlBytes} bytes`);
  }
  // The absolute form is for proxies, `*` for OPTIONS: neither names anything here.
  if (!target.startsWith("/")) return new GatewayError("invalid_request", "Not a path");
  if (CREDENTIAL_QUERY.test(target)) {
    return new GatewayError(
      "invalid_request",
      "Credentials in a URL end up in logs; send `Authorization: Bearer <token>` instead",
    );
  }
  return undefined;
}

function refusedHeaders({ rawHeaders }: RequestHead): GatewayError | undefined {
  let bytes = 0;
  for (const [index, text] of rawHeaders.entries()) {
    bytes += text.length;
    if (index % 2 === 0 && FORWARDING_HEADER.test(text)) {
      return new GatewayError(
        "forbidden",
        `proxy_attribution_required: a proxy sent ${text.toLowerCase()}, and no proxy is trusted here`,
      );
    }
  }
  if (bytes <= LIMITS.maxRequestHeaderBytes) return undefined;
  return new GatewayError(
    "headers_too_large",
    `Request headers may have ${LIMITS.maxRequestHeaderBytes} bytes`,
  );
}

function refusedSender(
  { method, host, origin, upgrade }: RequestHead,
  allowedHosts: ReadonlySet<string>,
): GatewayError | undefined {
  const name = host === undefined ? undefined : hostName(host);
  if (name === undefined) return new GatewayError("invalid_request", "A Host header is required");
  if (!isOurName(name, allowedHosts)) {
    return new GatewayError("forbidden", "This gateway is not known by the host name you used");
  }
  if (origin === undefined || (SAFE_METHODS.has(method) && !upgrade)) return undefined;
  if (isOurPage(origin, host, allowedHosts)) return undefined;
  return new GatewayError("forbidden", "Web pages of other origins may not use this gateway");
}

/** Lower-case host without the port; undefined when it is not a host. */
function hostName(host: string): string | undefined {
  return /^(?<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i
    .exec(host)
    ?.groups?.["name"]?.toLowerCase();
}

/**
 * A rebound name is one that its owner registered, so it has a dot. Addresses and single labels
 * (`localhost`, a container's service name) cannot be rebound.
 */
function isOurName(name: string, allowedHosts: ReadonlySet<string>): boolean {
  return (
    IPV4.test(name) ||
    name.startsWith("[") ||
    !name.includes(".") ||
    isConfigured(name, allowedHosts)
  );
}

function isConfigured(name: string, allowedHosts: ReadonlySet<string>): boolean {
  return name.endsWith(".localhost") || allowedHosts.has(name);
}

function isOurPage(
  origin: string,
  host: string | undefined,
  allowedHosts: ReadonlySet<string>,
): boolean {
  const url = URL.parse(origin);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return false;
  return (
    url.host === host?.toLowerCase() ||
    isLoopbackName(url.hostname) ||
    allowedHosts.has(url.hostname)
  );
}

function isLoopbackName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost") || isLoopbackAddress(name);
}

/** True for the addresses that only programs of this machine can come from. */
export function isLoopbackAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, "").replace(/^::ffff:/i, "");
  return bare === "::1" || (IPV4.test(bare) && bare.startsWith("127."));
}
