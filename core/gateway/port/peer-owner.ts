/**
 * Whose program is at the other end of a connection of this machine. A proxy that says nothing of
 * itself (no `Host` of its own, no header) cannot be told from a program of ours by what it sends; by
 * its user it can, since proxies are run by one of their own.
 *
 * Source: Documentation/networking/proc_net_tcp.rst of Linux.
 */
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { endianness } from "node:os";
import { bareAddress } from "../../config/networks.ts";

/** `unknown`: this system does not tell. */
export type PeerOwner = "own" | "other" | "unknown";

/** The ends of a connection as the peer sees them. */
export interface PeerEnds {
  readonly address: string;
  readonly port: number;
  /** Ours. */
  readonly toAddress: string;
  readonly toPort: number;
}

const ESTABLISHED = "01";
const ROOT = 0;
/** Longer than a row of any table. */
const MAX_ROW_UNITS = 512;
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"] as const;

/**
 * Reads tables of sockets, one after the other until one tells. Root counts as ourselves: it could
 * be us at any time. Pure. A busy machine has thousands of rows, most of them of connections that
 * are over, and every new connection asks: so they are searched, and not taken apart.
 *
 * @param tables - Contents of `/proc/net/tcp` and its kin; none: not this system.
 * @param uid - Ours.
 */
export function ownerIn(
  tables: Iterable<string>,
  ends: PeerEnds,
  uid: number,
  isLittle: boolean,
): PeerOwner {
  const from = placesOf(ends.address, ends.port, isLittle);
  const to = placesOf(ends.toAddress, ends.toPort, isLittle);
  let hasOurs = false;
  for (const table of tables) {
    const peer = rowIn(table, from, to);
    if (peer !== undefined) return ownerOf(peer, uid);
    hasOurs ||= rowIn(table, to, from) !== undefined;
  }
  // The peer's end is gone, or was never of this machine; a table without ours tells nothing.
  return hasOurs ? "other" : "unknown";
}

type Row = readonly string[];

/** The row of a socket at one of the places `local`, connected to one of `remote`. */
function rowIn(table: string, local: Row, remote: Row): Row | undefined {
  for (const own of local) {
    for (const other of remote) {
      const at = table.indexOf(` ${own} ${other} `);
      if (at === -1) continue;
      // Its first column, which is a number of no use, is missed.
      const [row = ""] = table.slice(at, at + MAX_ROW_UNITS).split("\n", 1);
      return row.trim().split(/\s+/);
    }
  }
  return undefined;
}

function ownerOf([, , state, , , , owner = "", , inode]: Row, uid: number): PeerOwner {
  // A socket that nobody holds any more is said to be root's.
  const isHeld = state === ESTABLISHED && inode !== "0";
  return isHeld && (Number(owner) === uid || Number(owner) === ROOT) ? "own" : "other";
}

/** As it stands in the tables: of IPv4 in two ways, since a socket for both may have it. */
function placesOf(address: string, port: number, isLittle: boolean): readonly string[] {
  const bytes = bytesOf(bareAddress(address));
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const mapped = [...Array<number>(10).fill(0), 0xff, 0xff, ...bytes];
  const forms = bytes.length === 4 ? [bytes, mapped] : [bytes];
  return forms.map((form) => wordsOf(form, isLittle) + end);
}

/** Each four bytes as the machine keeps a number. */
function wordsOf(bytes: readonly number[], isLittle: boolean): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    const word = bytes.slice(at, at + 4);
    for (const byte of isLittle ? word.toReversed() : word) {
      text += byte.toString(16).toUpperCase().padStart(2, "0");
    }
  }
  return text;
}

/** Of loopback addresses: all there are of IPv4, and the one of IPv6. */
function bytesOf(address: string): readonly number[] {
  if (!address.includes(":")) return address.split(".").map(Number);
  return address === "::1" ? [...Array<number>(15).fill(0), 1] : [];
}

/** Connections do not change hands: each is looked up once, when it first matters. */
const known = new WeakMap<Socket, PeerOwner>();

/** Of a connection from a loopback address. */
export function peerOwner(socket: Socket): PeerOwner {
  const found = known.get(socket);
  if (found !== undefined) return found;
  const owner = lookUp(socket);
  known.set(socket, owner);
  return owner;
}

function lookUp({ remoteAddress, remotePort, localAddress, localPort }: Socket): PeerOwner {
  const uid = process.getuid?.();
  // Gone already: it hears nothing of what it is thought to be.
  if (remoteAddress === undefined || remotePort === undefined) return "other";
  if (uid === undefined || localAddress === undefined || localPort === undefined) return "unknown";
  const ends = {
    address: remoteAddress,
    port: remotePort,
    toAddress: localAddress,
    toPort: localPort,
  };
  return ownerIn(tablesHere(), ends, uid, endianness() === "LE");
}

function* tablesHere(): Generator<string> {
  for (const path of TABLES) {
    const text = textOf(path);
    if (text !== undefined) yield text;
  }
}

/** Undefined on other systems, and where one is not allowed to look. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
