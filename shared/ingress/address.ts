/** Addresses and blocks of them, IPv4 and IPv6 in one: sixteen bytes, IPv4 as `::ffff:a.b.c.d`. Pure. */

/** Sixteen bytes. */
export type Address = Uint8Array;

export interface Block {
  readonly first: Address;
  /** Leading bits that count, 0 to 128. */
  readonly bits: number;
}

const BYTES = 16;
const V4_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const V4_BITS = 96;
const OCTET = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;
const PREFIX_LENGTH = /^\d{1,3}$/;

/**
 * Reads an address; undefined when it is none.
 *
 * @param text - An IPv6 zone (`%eth0`, RFC 4007 section 11) says through which door, not who: it is
 *   left out.
 */
export function parseAddress(text: string): Address | undefined {
  const [host = "", zone] = text.split("%", 2);
  if (!host.includes(":")) return zone === undefined ? fromV4(host) : undefined;
  return zone === "" ? undefined : fromV6(host);
}

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address; undefined when it is none. */
export function parseBlock(text: string): Block | undefined {
  const [host = "", length, more] = text.split("/", 3);
  const first = host.includes("%") || more !== undefined ? undefined : parseAddress(host);
  if (first === undefined) return undefined;
  if (length === undefined) return { first, bits: BYTES * 8 };
  const shift = host.includes(":") ? 0 : V4_BITS;
  const bits = PREFIX_LENGTH.test(length) ? Number(length) + shift : Number.NaN;
  return bits <= BYTES * 8 ? { first, bits } : undefined;
}

/** Whether `address` is in `block`. */
export function isWithin(address: Address, { first, bits }: Block): boolean {
  const whole = bits >> 3;
  for (let at = 0; at < whole; at += 1) {
    if (address[at] !== first[at]) return false;
  }
  const rest = bits & 7;
  if (rest === 0) return true;
  const mask = 0xff << (8 - rest);
  return ((address[whole] ?? 0) & mask) === ((first[whole] ?? 0) & mask);
}

function fromV4(text: string): Address | undefined {
  const octets = octetsOf(text);
  return octets === undefined ? undefined : Uint8Array.from([...V4_PREFIX, ...octets]);
}

function octetsOf(text: string): number[] | undefined {
  const parts = text.split(".");
  const octets = parts.map((part) => (OCTET.test(part) ? Number(part) : 256));
  return parts.length === 4 && octets.every((octet) => octet < 256) ? octets : undefined;
}

function fromV6(text: string): Address | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : bytesOf(half.split(":"))));
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === BYTES ? Uint8Array.from(head) : undefined;
  if (tail === undefined) return undefined;
  const missing = BYTES - head.length - tail.length;
  if (missing < 2) return undefined;
  return Uint8Array.from([...head, ...Array.from({ length: missing }, () => 0), ...tail]);
}

/** The last part may be written as IPv4 (RFC 4291 section 2.2). */
function bytesOf(parts: readonly string[]): number[] | undefined {
  const bytes: number[] = [];
  for (const [index, part] of parts.entries()) {
    const octets = index === parts.length - 1 && part.includes(".") ? octetsOf(part) : undefined;
    if (octets !== undefined) bytes.push(...octets);
    else if (GROUP.test(part)) {
      const group = Number.parseInt(part, 16);
      bytes.push(group >> 8, group & 0xff);
    } else return undefined;
  }
  return bytes.length <= BYTES ? bytes : undefined;
}
