import type { Admission } from "./route.ts";
import { type Block, isWithin, parseAddress, parseBlock } from "./address.ts";

/** Who is not even looked at. */
export type NotAdmitted = "address" | "country";

/** Undefined: may come in. @param country - ISO 3166-1 alpha-2, upper case; undefined: not known. */
export type Admit = (ip: string, country: string | undefined) => NotAdmitted | undefined;

const everybody: Admit = () => undefined;

/**
 * The rules of a route, read once. Whoever is nowhere on a list of those who may come in stays out,
 * and so does who cannot be placed; who cannot be placed is on no list of those who may not.
 *
 * A block that is none, such as `10.0.0.0/40`, holds nobody.
 */
export function admission(rules: Admission | undefined): Admit {
  if (rules === undefined) return everybody;
  const blocks = rules.cidrs?.flatMap((text) => parseBlock(text) ?? []);
  const allowed = rules.countries === undefined ? undefined : new Set(rules.countries);
  const blocked = new Set(rules.blockedCountries);
  return (ip, country) => {
    if (blocks !== undefined && !isIn(blocks, ip)) return "address";
    if (country !== undefined && blocked.has(country)) return "country";
    const isAllowed = allowed === undefined || (country !== undefined && allowed.has(country));
    return isAllowed ? undefined : "country";
  };
}

function isIn(blocks: readonly Block[], ip: string): boolean {
  const address = parseAddress(ip);
  return address !== undefined && blocks.some((block) => isWithin(address, block));
}
