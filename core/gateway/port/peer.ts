import type { IncomingMessage } from "node:http";
import { err, ok, type Result } from "../../../shared/result.ts";
import { requestId } from "../../../shared/request-id.ts";
import type { Secret } from "../../../shared/secret.ts";
import { bareAddress, isLoopbackAddress } from "../../config/networks.ts";
import { type AdmissionRules, isLoopbackHost } from "../auth/admission.ts";
import { peerOwner } from "./peer-owner.ts";
import { attributionOf, type ProxyRules } from "./forwarded.ts";
import { type ProxyRefusal, unattributed, type UserHeaders, userOf } from "./proxy-user.ts";

/** Who sent a request to our own port, before anything is proven. */
export interface LocalPeer {
  /** Of the client itself, as our socket saw it or a proxy that we trust. */
  readonly ip: string;
  readonly requestId: string;
  /** Something stands between: a proxy says so, or the name by which we were called. */
  readonly isProxied?: boolean | undefined;
  /**
   * Whether it is somebody else's program of this machine, as proxies are. Asked only where it
   * matters: the system makes a list of all its sockets for each answer.
   */
  readonly isForeign?: (() => boolean) | undefined;
  /** Of the page that sends it; undefined for programs. */
  readonly browserOrigin?: string | undefined;
  /** Who it is by the word of a proxy that we trust with that. */
  readonly user?: string | undefined;
  /** From the URL, where the settings take it from there. */
  readonly urlToken?: Secret | undefined;
}

/** True: on this machine, and nothing that we can see stands between. */
export function isDirect({
  ip,
  isProxied,
  isForeign,
}: Pick<LocalPeer, "ip" | "isProxied" | "isForeign">): boolean {
  return isProxied !== true && isLoopbackAddress(ip) && isForeign?.() !== true;
}

/** What our own port goes by, as the settings are now. */
export interface NetworkRules extends AdmissionRules, ProxyRules {
  /** Whether `?token=` is taken for a credential. */
  readonly takesUrlToken: boolean;
  /** Undefined: nobody is let in by the word of a proxy. */
  readonly userHeaders: UserHeaders | undefined;
}

/** Of proxies, beside those that are read (`attributionOf`); lower case. */
const PROXY_HEADERS = [
  "via",
  "cdn-loop",
  "cf-connecting-ip",
  "cf-ray",
  "client-ip",
  "fastly-client-ip",
  "tailscale-user-login",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-envoy-external-address",
  "x-original-forwarded-for",
] as const;

/** Nobody is trusted, and we have no further names. */
export const STRICT_RULES: NetworkRules = {
  allowedHosts: new Set(),
  allowedOrigins: new Set(),
  trusts: () => false,
  allowRealIpFallback: false,
  takesUrlToken: false,
  userHeaders: undefined,
};

/**
 * Who sent a request.
 *
 * @returns What a proxy said that may not be believed.
 */
export function peerOf(
  incoming: IncomingMessage,
  rules: NetworkRules,
  id: string,
): Result<LocalPeer, ProxyRefusal> {
  const { socket, headers, headersDistinct, rawHeaders } = incoming;
  const peer = bareAddress(socket.remoteAddress ?? "");
  const attribution = attributionOf(rawHeaders, peer, rules);
  if (!attribution.ok) return err(unattributed(attribution.error));
  const { ip, isProxied } = attribution.value;
  const passed = { peer, isAttributed: isProxied, headers: headersDistinct };
  const user = rules.trusts(peer) ? userOf(passed, rules.userHeaders) : ok(undefined);
  if (!user.ok) return user;
  return ok({
    ip,
    requestId: id,
    isProxied: isProxied || !isLoopbackHost(headers.host) || looksProxied(incoming),
    isForeign: isLoopbackAddress(peer) ? () => peerOwner(socket) === "other" : undefined,
    browserOrigin: headers.origin,
    user: user.value,
  });
}

/**
 * What gives a proxy away that neither passes on our name nor says whom it speaks for: another
 * header of proxies, or the version of HTTP that nginx speaks unless it is told otherwise and no
 * program of today.
 */
function looksProxied({ httpVersion, headers }: IncomingMessage): boolean {
  return httpVersion === "1.0" || PROXY_HEADERS.some((name) => headers[name] !== undefined);
}

/** Its own, or one made for it. */
export function idOf({ headers }: IncomingMessage): string {
  const given = headers["x-request-id"];
  return requestId(typeof given === "string" ? given : undefined);
}
