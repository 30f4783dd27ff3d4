/** Records of a few numbers each, very many of them. Pure. */

/** No record: the first one is 1. */
export const NONE = 0;

const MIN_RECORDS = 1_024;

/** How many numbers a record has of each sort. */
export interface RecordShape {
  readonly floats: number;
  /** Integers of 32 bits, without a sign. */
  readonly words: number;
}

/**
 * Records side by side in two arrays: an object for each would take several times as much, and the
 * time of a garbage collector that has to look at all of them. Room grows by doubling, and is given
 * back only by `clear`.
 */
export class Records {
  readonly #shape: RecordShape;
  #floats = new Float64Array(0);
  #words = new Uint32Array(0);
  /** The first number that was never given. */
  #next = 1;
  /** Released ones; each names the one before it in its first word. */
  #free = NONE;

  constructor(shape: RecordShape) {
    this.#shape = shape;
  }

  /** A record of its own, all zero. */
  make(): number {
    const reused = this.#free;
    if (reused !== NONE) {
      this.#free = this.word(reused, 0);
      this.#setZero(reused);
      return reused;
    }
    if (this.#next * this.#shape.words >= this.#words.length) this.#grow();
    this.#next += 1;
    return this.#next - 1;
  }

  release(record: number): void {
    this.setWord(record, 0, this.#free);
    this.#free = record;
  }

  /** Forgets all, and gives their room back. */
  clear(): void {
    this.#floats = new Float64Array(0);
    this.#words = new Uint32Array(0);
    this.#next = 1;
    this.#free = NONE;
  }

  float(record: number, field: number): number {
    return this.#floats[record * this.#shape.floats + field] ?? 0;
  }

  setFloat(record: number, field: number, value: number): void {
    this.#floats[record * this.#shape.floats + field] = value;
  }

  word(record: number, field: number): number {
    return this.#words[record * this.#shape.words + field] ?? 0;
  }

  setWord(record: number, field: number, value: number): void {
    this.#words[record * this.#shape.words + field] = value;
  }

  #setZero(record: number): void {
    const { floats, words } = this.#shape;
    this.#floats.fill(0, record * floats, (record + 1) * floats);
    this.#words.fill(0, record * words, (record + 1) * words);
  }

  #grow(): void {
    const { floats, words } = this.#shape;
    const records = Math.max(MIN_RECORDS, (this.#words.length / words) * 2);
    const [moreFloats, moreWords] = [
      new Float64Array(records * floats),
      new Uint32Array(records * words),
    ];
    moreFloats.set(this.#floats);
    moreWords.set(this.#words);
    [this.#floats, this.#words] = [moreFloats, moreWords];
  }
}
