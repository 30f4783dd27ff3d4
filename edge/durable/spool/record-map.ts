import { NONE } from "./records.ts";

const MIN_PLACES = 1_024;

/**
 * Finds records by a number that stands in them, whole and below 2^53: open addressing in one array,
 * 16 bytes a record at most. What is in the map keeps its number for as long.
 */
export class RecordMap {
  readonly #keyOf: (record: number) => number;
  #places = new Uint32Array(MIN_PLACES);
  #size = 0;

  /** @param keyOf - The number that a record is found by. */
  constructor(keyOf: (record: number) => number) {
    this.#keyOf = keyOf;
  }

  get size(): number {
    return this.#size;
  }

  /** `NONE` when there is none. */
  get(key: number): number {
    return this.#places[this.#find(key)] ?? NONE;
  }

  /** Takes the place of the one that was found by the same number. */
  set(record: number): void {
    if (this.#size * 2 >= this.#places.length) this.#grow();
    const at = this.#find(this.#keyOf(record));
    if (this.#places[at] === NONE) this.#size += 1;
    this.#places[at] = record;
  }

  delete(key: number): void {
    const places = this.#places;
    const last = places.length - 1;
    let free = this.#find(key);
    if (places[free] === NONE) return;
    this.#size -= 1;
    // Nothing may stand behind a free place that it would have been put into: it moves up.
    for (let at = (free + 1) & last; ; at = (at + 1) & last) {
      const record = places[at] ?? NONE;
      if (record === NONE) break;
      const home = spread(this.#keyOf(record)) & last;
      if (((at - home) & last) >= ((at - free) & last)) {
        places[free] = record;
        free = at;
      }
    }
    places[free] = NONE;
  }

  clear(): void {
    this.#places = new Uint32Array(MIN_PLACES);
    this.#size = 0;
  }

  /** Where the record of this number is, or would be. */
  #find(key: number): number {
    const places = this.#places;
    const last = places.length - 1;
    let at = spread(key) & last;
    for (;;) {
      const record = places[at] ?? NONE;
      if (record === NONE || this.#keyOf(record) === key) return at;
      at = (at + 1) & last;
    }
  }

  #grow(): void {
    const before = this.#places;
    this.#places = new Uint32Array(before.length * 2);
    for (const record of before) {
      if (record !== NONE) this.#places[this.#find(this.#keyOf(record))] = record;
    }
  }
}

/** Numbers in a row, or a thousand apart, must not end up side by side (murmur3's last steps). */
function spread(key: number): number {
  let mixed = (key >>> 0) ^ Math.imul(Math.floor(key / 0x1_0000_0000), 0x9e37_79b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return mixed ^ (mixed >>> 16);
}
