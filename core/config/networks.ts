/** Addresses and networks, as settings name them. */
import { BlockList, isIP } from "node:net";

/** True for an address, and for a network in the notation `10.0.0.0/8`. Pure. */
export function isNetwork(text: string): boolean {
  return partsOf(text) !== undefined;
}

/**
 * Whether an address is in one of `networks`; an IPv4 address that came in IPv6 form is itself. Pure.
 *
 * @param networks - Each one that `isNetwork`; others hold nobody.
 */
export function networkSet(networks: readonly string[]): (address: string) => boolean {
  if (networks.length === 0) return () => false;
  const list = new BlockList();
  for (const network of networks) {
    const parts = partsOf(network);
    if (parts !== undefined) list.addSubnet(parts.address, parts.bits, parts.family);
  }
  return (address) => {
    const bare = bareAddress(address);
    const version = isIP(bare);
    return version !== 0 && list.check(bare, familyOf(version));
  };
}

/** The address itself: without brackets, zone and the prefix of IPv4 in IPv6. Pure. */
export function bareAddress(address: string): string {
  return address.replace(/^\[|\]$|%.*$/g, "").replace(/^::ffff:(?=\d+\.)/i, "");
}

/** True for the addresses that only programs of this machine can come from. */
export const isLoopbackAddress = networkSet(["127.0.0.0/8", "::1"]);

interface NetworkParts {
  readonly address: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

function partsOf(text: string): NetworkParts | undefined {
  const [address = "", length, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0) return undefined;
  const longest = version === 4 ? 32 : 128;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const bits = length === undefined ? longest : Number(length);
  return bits > longest ? undefined : { address, bits, family: familyOf(version) };
}

function familyOf(version: number): "ipv4" | "ipv6" {
  return version === 4 ? "ipv4" : "ipv6";
}
