/**
 * Who sent a request that may have come through a proxy. Only a proxy that the settings name is
 * believed; from anybody else such headers are a lie, or a proxy whose callers would all look like
 * one program of this machine. Pure.
 */
import { isIP } from "node:net";
import { err, ok, type Result } from "../../../shared/result.ts";
import { bareAddress } from "../../config/networks.ts";

/** Proxies in front of us, as the settings are now. */
export interface ProxyRules {
  /** Whether the proxy at this address is believed. */
  readonly trusts: (address: string) => boolean;
  /** Whether X-Real-IP counts where there is no X-Forwarded-For. */
  readonly allowRealIpFallback: boolean;
}

export interface Attribution {
  /** Of the client itself. */
  readonly ip: string;
  /** A proxy stands between. */
  readonly isProxied: boolean;
}

/** Hops that are looked at: no honest chain has more. */
const MAX_HOPS = 32;
const FORWARDING_HEADER = /^(?:forwarded|x-forwarded-.+|x-real-ip)$/i;

/**
 * @param rawHeaders - Names and values in turn, as they came.
 * @param peer - Address of the socket.
 * @returns The name of a header that must not be there, or from which nothing can be learnt.
 */
export function attributionOf(
  rawHeaders: readonly string[],
  peer: string,
  { trusts, allowRealIpFallback }: ProxyRules,
): Result<Attribution, string> {
  const said = forwardingHeaders(rawHeaders);
  const [first] = said.keys();
  if (first === undefined) return ok({ ip: peer, isProxied: false });
  if (!trusts(peer)) return err(first);
  const chain = chainOf(said);
  const realIp = allowRealIpFallback ? said.get("x-real-ip") : undefined;
  const hops = chain ?? (realIp === undefined ? [] : [realIp]);
  const ip = clientOf(hops.slice(-MAX_HOPS), trusts);
  return ip === undefined ? err(first) : ok({ ip, isProxied: true });
}

/** By name, in lower case; a name that comes twice is one list. */
function forwardingHeaders(rawHeaders: readonly string[]): ReadonlyMap<string, string> {
  const said = new Map<string, string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    if (!FORWARDING_HEADER.test(name)) continue;
    const before = said.get(name);
    const value = rawHeaders[index + 1] ?? "";
    said.set(name, before === undefined ? value : `${before},${value}`);
  }
  return said;
}

/** Addresses from the client on, each as the hop after it saw it; undefined where nobody says. */
function chainOf(said: ReadonlyMap<string, string>): readonly string[] | undefined {
  const plain = said.get("x-forwarded-for");
  if (plain !== undefined) return plain.split(",");
  // RFC 7239 section 4: for=192.0.2.1;proto=https, for="[2001:db8::1]:4711"
  return said
    .get("forwarded")
    ?.split(",")
    .map(
      (element) =>
        /(?:^|[;\s])for=(?<node>"[^"]*"|[^;,\s]*)/i.exec(element)?.groups?.["node"] ?? "",
    );
}

/** The last one that is no proxy of ours; all are: the first. Undefined for what is no address. */
function clientOf(
  hops: readonly string[],
  trusts: (address: string) => boolean,
): string | undefined {
  const addresses = hops.map(addressOf);
  const outer = addresses.findLastIndex((one) => one === undefined || !trusts(one));
  return addresses[Math.max(0, outer)];
}

function addressOf(text: string): string | undefined {
  const node = text.trim().replace(/^"|"$/g, "");
  const bracketed = /^\[(?<address>[0-9a-f:.]+)\](?::\d{1,5})?$/i.exec(node)?.groups?.["address"];
  const withPort = /^(?<address>\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/.exec(node)?.groups?.["address"];
  const address = bareAddress(bracketed ?? withPort ?? node);
  return isIP(address) === 0 ? undefined : address;
}
