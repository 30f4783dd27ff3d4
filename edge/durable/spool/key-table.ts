/** Ids as numbers of 64 bits, and a set of very many of them. Pure but for Web Crypto. */
import { utf8 } from "../../../shared/bytes.ts";

/** The first 64 bits of the SHA-256 of an id. */
export type Key = bigint;

export const KEY_BYTES = 8;

/** The keys of some ids, in their order. */
export function keysOf(ids: readonly string[]): Promise<Key[]> {
  return Promise.all(
    ids.map(async (id) => {
      const digest = await crypto.subtle.digest("SHA-256", utf8(id));
      return new DataView(digest).getBigUint64(0);
    }),
  );
}

export function packKeys(keys: readonly Key[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(keys.length * KEY_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, key] of keys.entries()) view.setBigUint64(index * KEY_BYTES, key);
  return bytes;
}

/** The reverse of `packKeys`; bytes that make no whole key are left out. */
export function unpackKeys(bytes: Uint8Array): Key[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.floor(bytes.byteLength / KEY_BYTES);
  return Array.from({ length: count }, (_v, index) => view.getBigUint64(index * KEY_BYTES));
}

const MIN_SLOTS = 1_024;

/**
 * A set that only grows: open addressing in one array, 16 bytes a key at most. A `Set` of bigints
 * takes four times as much, and ten times as long to fill after a sleep.
 */
export class KeyTable {
  #words = new Uint32Array(MIN_SLOTS * 2);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: Key): boolean {
    const [high, low] = split(key);
    return this.#words[this.#find(high, low)] !== 0;
  }

  add(key: Key): void {
    if (this.#size * 4 >= this.#words.length) this.#grow();
    const [high, low] = split(key);
    this.#put(high, low);
  }

  #put(high: number, low: number): void {
    const at = this.#find(high, low);
    if (this.#words[at] !== 0) return;
    this.#words[at] = high;
    this.#words[at + 1] = low;
    this.#size += 1;
  }

  /** Where this key is, or would be. Keys are digests: their own bits spread them. */
  #find(high: number, low: number): number {
    const words = this.#words;
    const last = words.length - 2;
    let at = (low * 2) & last;
    while (words[at] !== 0 && (words[at] !== high || words[at + 1] !== low)) at = (at + 2) & last;
    return at;
  }

  #grow(): void {
    const before = this.#words;
    this.#words = new Uint32Array(before.length * 2);
    this.#size = 0;
    for (let at = 0; at < before.length; at += 2) {
      const high = before[at] ?? 0;
      if (high !== 0) this.#put(high, before[at + 1] ?? 0);
    }
  }
}

/** A first half of zero marks a free place: a key that has one is another's, once in 2^32. */
function split(key: Key): [high: number, low: number] {
  return [Number(key >> 32n) || 1, Number(key & 0xffff_ffffn)];
}
