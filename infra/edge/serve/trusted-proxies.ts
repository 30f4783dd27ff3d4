import { BlockList, isIP } from "node:net";
import { type Result, err, ok } from "../../../shared/result.ts";

/**
 * Whose word about its clients is believed: the proxies that stand in front of this edge. Pure.
 */
export interface TrustedProxies {
  has(address: string): boolean;
}

const LOOPBACK = ["127.0.0.0/8", "::1/128"];

/**
 * @param list - Addresses and networks (`10.0.0.0/8`), separated by commas; `loopback` means this
 *   machine.
 * @returns The entry nobody understands, when there is one.
 */
export function parseTrustedProxies(list: string): Result<TrustedProxies, string> {
  const known = new BlockList();
  const entries = list
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  for (const entry of entries.flatMap((name) => (name === "loopback" ? LOOPBACK : [name]))) {
    const { address = "", bits } =
      /^(?<address>[^/]+)(?:\/(?<bits>\d{1,3}))?$/.exec(entry)?.groups ?? {};
    const version = isIP(address);
    const prefix = Number(bits ?? (version === 4 ? 32 : 128));
    if (version === 0 || prefix > (version === 4 ? 32 : 128)) return err(entry);
    known.addSubnet(address, prefix, version === 4 ? "ipv4" : "ipv6");
  }
  return ok({ has: (address) => known.check(address, isIP(address) === 4 ? "ipv4" : "ipv6") });
}

/** An address as Cloudflare would write it; undefined when it is none. */
export function plainAddress(text: string): string | undefined {
  const bare = text.trim().replace(/%.*$/, "");
  const mapped = /^::ffff:(?<v4>\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.groups?.["v4"];
  const address = mapped ?? bare;
  return isIP(address) === 0 ? undefined : address;
}

/**
 * Who the client is.
 *
 * Proxies add the address they were called from at the end of `X-Forwarded-For`, so it is read
 * from there, up to the first that is not a proxy of ours; what stands before it anyone can write.
 *
 * @param peer - Where the connection comes from.
 * @param forwardedFor - Value of `X-Forwarded-For`; empty when there is none.
 */
export function clientAddress(peer: string, forwardedFor: string, trusted: TrustedProxies): string {
  let client = peer;
  const hops = forwardedFor.split(",").toReversed();
  for (const hop of hops) {
    if (!trusted.has(client)) return client;
    const next = plainAddress(withoutPort(hop.trim()));
    if (next === undefined) return client;
    client = next;
  }
  return client;
}

/** Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`. */
function withoutPort(text: string): string {
  const { v6, v4 } =
    /^(?:\[(?<v6>[^\]]+)\](?::\d+)?|(?<v4>\d+\.\d+\.\d+\.\d+):\d+)$/.exec(text)?.groups ?? {};
  return v6 ?? v4 ?? text;
}
