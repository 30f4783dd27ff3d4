/**
 * What a request to our own port must look like before anything reads it. Pure.
 *
 * The port is reachable by every program of the machine, web pages in its browser among them. A
 * page can send requests, and after DNS rebinding even read the answers, but it cannot forge
 * `Host` and `Origin`: so those are checked here, and the token after them.
 */
import { GatewayError } from "../../../shared/errors.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { Secret } from "../../../shared/secret.ts";
import { isLoopbackAddress } from "../../config/networks.ts";

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
  /** It comes from this machine, and nothing that we can see stands between. */
  readonly isDirect: boolean;
}

/** Under which names we are reached, and whose pages may do so. */
export interface AdmissionRules {
  /** Further names this gateway is reached by, lower case, without port. */
  readonly allowedHosts: ReadonlySet<string>;
  /** Origins of further pages, as browsers send them, lower case. */
  readonly allowedOrigins: ReadonlySet<string>;
}

/** Methods that change nothing, so a foreign page gains nothing by sending them (RFC 9110 section 9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
/** Query parameters that people put credentials in; URLs end up in logs and histories. */
const CREDENTIAL_NAMES: ReadonlySet<string> = new Set(["access_token", "password", "token"]);
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/** Why a request is refused, or undefined when it may go on. */
export function refusalOf(head: RequestHead, rules: AdmissionRules): GatewayError | undefined {
  return refusedTarget(head.target) ?? refusedHeaders(head) ?? refusedSender(head, rules);
}

/**
 * A target without the token in its query, for those who asked for that form. Everything after this
 * sees the target alone, so that the token gets into no log.
 */
export function withoutToken(target: string): {
  readonly target: string;
  readonly token: Secret | undefined;
} {
  const query = queryOf(target);
  const token = query?.get("token") ?? undefined;
  if (query === undefined || token === undefined) return { target, token: undefined };
  query.delete("token");
  const [path = "/"] = target.split("?");
  const rest = query.size === 0 ? "" : `?${query.toString()}`;
  return { target: path + rest, token: new Secret(token) };
}

function refusedTarget(target: string): GatewayError | undefined {
  if (target.length > LIMITS.maxUrlBytes) {
    return new GatewayError("uri_too_long", `A URL may have ${LIMITS.maxUrlBytes} bytes`);
  }
  // The absolute form is for proxies, `*` for OPTIONS: neither names anything here.
  if (!target.startsWith("/")) return new GatewayError("invalid_request", "Not a path");
  const names = [...(queryOf(target)?.keys() ?? [])];
  if (names.some((name) => CREDENTIAL_NAMES.has(name.toLowerCase()))) {
    return new GatewayError(
      "invalid_request",
      "Credentials in a URL end up in logs; send `Authorization: Bearer <token>` instead",
    );
  }
  return undefined;
}

function queryOf(target: string): URLSearchParams | undefined {
  const at = target.indexOf("?");
  return at < 0 ? undefined : new URLSearchParams(target.slice(at + 1));
}

function refusedHeaders({ rawHeaders }: RequestHead): GatewayError | undefined {
  // Of two, whatever stands before us may have looked at the other one (RFC 9112 section 3.2).
  const hosts = rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === "host");
  if (hosts.length > 1) return new GatewayError("invalid_request", "One Host header is enough");
  const bytes = rawHeaders.reduce((sum, text) => sum + text.length, 0);
  if (bytes <= LIMITS.maxRequestHeaderBytes) return undefined;
  return new GatewayError(
    "headers_too_large",
    `Request headers may have ${LIMITS.maxRequestHeaderBytes} bytes`,
  );
}

function refusedSender(head: RequestHead, rules: AdmissionRules): GatewayError | undefined {
  const { method, host, origin, upgrade } = head;
  const name = host === undefined ? undefined : hostName(host);
  if (name === undefined) return new GatewayError("invalid_request", "A Host header is required");
  if (!isOurName(name, rules.allowedHosts)) {
    return new GatewayError(
      "forbidden",
      "This gateway is not known by the host name you used; its owner can set gateway.publicOrigin",
    );
  }
  if (origin === undefined || (SAFE_METHODS.has(method) && !upgrade)) return undefined;
  if (isOurPage(origin, head, rules)) return undefined;
  return new GatewayError(
    "forbidden",
    "Web pages of other origins may not use this gateway, but for gateway.controlUi.allowedOrigins",
  );
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

/** Whether a page of this origin may use the gateway that was called by this name. */
export function isOurPage(
  origin: string,
  { host, isDirect }: Pick<RequestHead, "host" | "isDirect">,
  { allowedHosts, allowedOrigins }: AdmissionRules,
): boolean {
  if (allowedOrigins.has(origin.toLowerCase())) return true;
  const url = URL.parse(origin);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return false;
  return (
    url.host === host?.toLowerCase() ||
    // Only to a browser of this machine is such a page one of this machine.
    (isDirect && isLoopbackName(url.hostname)) ||
    allowedHosts.has(url.hostname)
  );
}

/** True for a `Host` by which only programs of this machine can mean us. */
export function isLoopbackHost(host: string | undefined): boolean {
  const name = host === undefined ? undefined : hostName(host);
  return name !== undefined && isLoopbackName(name);
}

function isLoopbackName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost") || isLoopbackAddress(name);
}
