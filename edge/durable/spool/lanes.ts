/** Who waits behind whom: of each lane the chain of its webhooks, oldest first. Pure. */
import { RecordMap } from "./record-map.ts";
import { NONE, Records } from "./records.ts";

/** A lane by its name, as `laneKey` has it. */
const KEY = 0;
const [OWNER, BEFORE, AFTER, SIBLING] = [0, 1, 2, 3] as const;

/**
 * Places in lanes. A webhook has one in each of its lanes, and those of one webhook are a list: each
 * names the one before it.
 */
export class Lanes {
  readonly #places = new Records({ floats: 1, words: 4 });
  /** The youngest of each lane. */
  readonly #last = new RecordMap((place) => this.#places.float(place, KEY));

  has(name: string): boolean {
    return this.#last.get(laneKey(name)) !== NONE;
  }

  /**
   * Takes a place at the end of each of these lanes.
   *
   * @returns The last of the places, and how many of them have another one before them.
   */
  join(
    names: readonly string[],
    owner: number,
  ): { readonly place: number; readonly behind: number } {
    let [place, behind] = [NONE, 0];
    const keys = names.length === 1 ? names.map(laneKey) : new Set(names.map(laneKey));
    for (const key of keys) {
      const before = this.#last.get(key);
      place = this.#append(key, owner, { before, sibling: place });
      if (before !== NONE) behind += 1;
    }
    return { place, behind };
  }

  /** The next of the places of one webhook. */
  siblingOf(place: number): number {
    return this.#places.word(place, SIBLING);
  }

  /** @returns Whose turn it is now in that lane, when that has changed; else `NONE`. */
  leave(place: number): number {
    const places = this.#places;
    const [before, after] = [places.word(place, BEFORE), places.word(place, AFTER)];
    if (before !== NONE) places.setWord(before, AFTER, after);
    if (after !== NONE) places.setWord(after, BEFORE, before);
    else if (before !== NONE) this.#last.set(before);
    else this.#last.delete(places.float(place, KEY));
    places.release(place);
    return before === NONE && after !== NONE ? places.word(after, OWNER) : NONE;
  }

  clear(): void {
    this.#places.clear();
    this.#last.clear();
  }

  #append(
    key: number,
    owner: number,
    { before, sibling }: { readonly before: number; readonly sibling: number },
  ): number {
    const places = this.#places;
    const place = places.make();
    places.setFloat(place, KEY, key);
    places.setWord(place, OWNER, owner);
    places.setWord(place, BEFORE, before);
    places.setWord(place, SIBLING, sibling);
    if (before !== NONE) places.setWord(before, AFTER, place);
    this.#last.set(place);
    return place;
  }
}

/**
 * A lane's name as a number of 53 bits: a quarter of a million names would be most of what is
 * remembered. Two lanes with the same number wait for each other, and are in order all the same.
 *
 * Source: cyrb53, https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js
 */
function laneKey(name: string): number {
  let [high, low] = [0x41c6_ce57, 0xdead_beef];
  for (let at = 0; at < name.length; at += 1) {
    const unit = name.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x9e37_79b1);
    high = Math.imul(high ^ unit, 0x5f35_6495);
  }
  low = Math.imul(low ^ (low >>> 16), 0x85eb_ca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2_ae35);
  high = Math.imul(high ^ (high >>> 16), 0x85eb_ca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2_ae35);
  return (high & 0x1f_ffff) * 0x1_0000_0000 + (low >>> 0);
}
