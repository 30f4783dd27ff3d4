import { RecordMap } from "./record-map.ts";
import { NONE, Records } from "./records.ts";

/** What is remembered of a webhook that waits, but for its lanes. */
export interface Remembered {
  /** Order of arrival over all lanes. */
  readonly seq: number;
  /** Names the table that holds it. */
  readonly hour: number;
  /** Its place among the rows of that table. */
  readonly ordinal: number;
  readonly route: string;
  /** Bytes of body and headers. */
  readonly size: number;
  /** In it: each takes room in memory, in a lane and by its name. */
  readonly events: number;
  /** The edge could not verify it. */
  readonly unverified: boolean;
  /** Unix ms since when it waits. */
  readonly since: number;
  /** How often a core that was there did not take it. */
  readonly attempts: number;
  /** Unix ms before which it does not go. */
  readonly nextAt: number;
}

/** Where a webhook is on its way. */
export const BEHIND = 0;
/** First in its lanes: in one of the heaps. */
export const FIRST = 1;
/** With the core now. */
export const AWAY = 2;
/** It waits no more, and is in a heap still. */
export const GONE = 3;
export type Stage = 0 | 1 | 2 | 3;

const [SEQ, SINCE, NEXT_AT] = [0, 1, 2] as const;
const [HOUR, ORDINAL, ROUTE, SIZE, UNVERIFIED, ATTEMPTS, OLDER, NEWER] = [
  0, 1, 2, 3, 4, 5, 6, 7,
] as const;
const [STAGE, AHEAD, PLACE, EVENTS] = [8, 9, 10, 11] as const;
const SHAPE = { floats: 3, words: 12 } as const;

/** Webhooks that wait, in the order in which they came: 72 bytes each. */
export class WaitingRows {
  readonly #rows = new Records(SHAPE);
  readonly #bySeq = new RecordMap((row) => this.#rows.float(row, SEQ));
  #oldest = NONE;
  #newest = NONE;
  #routes: string[] = [];

  get size(): number {
    return this.#bySeq.size;
  }

  /** `NONE` when it does not wait. */
  find(seq: number): number {
    return this.#bySeq.get(seq);
  }

  /** Oldest first. */
  *all(): Generator<Remembered> {
    for (let row = this.#oldest; row !== NONE; row = this.#rows.word(row, NEWER)) {
      yield this.read(row);
    }
  }

  add(waiting: Remembered): number {
    const rows = this.#rows;
    const row = rows.make();
    rows.setFloat(row, SEQ, waiting.seq);
    rows.setFloat(row, SINCE, waiting.since);
    rows.setFloat(row, NEXT_AT, waiting.nextAt);
    rows.setWord(row, HOUR, waiting.hour);
    rows.setWord(row, ORDINAL, waiting.ordinal);
    rows.setWord(row, ROUTE, this.#routeNumber(waiting.route));
    rows.setWord(row, SIZE, waiting.size);
    rows.setWord(row, EVENTS, waiting.events);
    rows.setWord(row, UNVERIFIED, waiting.unverified ? 1 : 0);
    rows.setWord(row, ATTEMPTS, waiting.attempts);
    rows.setWord(row, OLDER, this.#newest);
    if (this.#newest === NONE) this.#oldest = row;
    else rows.setWord(this.#newest, NEWER, row);
    this.#newest = row;
    this.#bySeq.set(row);
    return row;
  }

  read(row: number): Remembered {
    const rows = this.#rows;
    return {
      seq: rows.float(row, SEQ),
      hour: rows.word(row, HOUR),
      ordinal: rows.word(row, ORDINAL),
      route: this.#routes[rows.word(row, ROUTE)] ?? "",
      size: rows.word(row, SIZE),
      events: rows.word(row, EVENTS),
      unverified: rows.word(row, UNVERIFIED) === 1,
      since: rows.float(row, SINCE),
      attempts: rows.word(row, ATTEMPTS),
      nextAt: rows.float(row, NEXT_AT),
    };
  }

  /** It is found no more. Its row stays until `release`. */
  remove(row: number): void {
    const rows = this.#rows;
    const [older, newer] = [rows.word(row, OLDER), rows.word(row, NEWER)];
    if (older === NONE) this.#oldest = newer;
    else rows.setWord(older, NEWER, newer);
    if (newer === NONE) this.#newest = older;
    else rows.setWord(newer, OLDER, older);
    this.#bySeq.delete(rows.float(row, SEQ));
  }

  release(row: number): void {
    this.#rows.release(row);
  }

  clear(): void {
    this.#rows.clear();
    this.#bySeq.clear();
    this.#routes = [];
    [this.#oldest, this.#newest] = [NONE, NONE];
  }

  seq(row: number): number {
    return this.#rows.float(row, SEQ);
  }

  nextAt(row: number): number {
    return this.#rows.float(row, NEXT_AT);
  }

  postpone(row: number, nextAt: number, attempts: number): void {
    this.#rows.setFloat(row, NEXT_AT, nextAt);
    this.#rows.setWord(row, ATTEMPTS, attempts);
  }

  stage(row: number): number {
    return this.#rows.word(row, STAGE);
  }

  setStage(row: number, stage: Stage): void {
    this.#rows.setWord(row, STAGE, stage);
  }

  /** In how many lanes something is before it. */
  ahead(row: number): number {
    return this.#rows.word(row, AHEAD);
  }

  setAhead(row: number, lanes: number): void {
    this.#rows.setWord(row, AHEAD, lanes);
  }

  /** The last of its places in lanes. */
  place(row: number): number {
    return this.#rows.word(row, PLACE);
  }

  setPlace(row: number, place: number): void {
    this.#rows.setWord(row, PLACE, place);
  }

  /** There are few: those that were ever published since something began to wait. */
  #routeNumber(route: string): number {
    const known = this.#routes.indexOf(route);
    return known < 0 ? this.#routes.push(route) - 1 : known;
  }
}
