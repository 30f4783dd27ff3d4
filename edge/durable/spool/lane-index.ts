/**
 * Which of the webhooks that wait may go. Pure: no clock, no storage, no body.
 *
 * A webhook with several events is in several lanes, and goes when it is the first in each. The
 * oldest of all is the first in all of its lanes, so nothing can wait in a circle. Webhooks must be
 * added in the order of their `seq`.
 */
import { Heap } from "./heap.ts";
import { Lanes } from "./lanes.ts";
import { NONE } from "./records.ts";
import { AWAY, BEHIND, FIRST, GONE, type Remembered, WaitingRows } from "./waiting-rows.ts";

/** A webhook that waits from now on. */
export interface Waiting extends Remembered {
  readonly lanes: readonly string[];
}

/** So many and their room is given back when the last is gone. */
const MANY = 10_000;

export class LaneIndex {
  readonly #rows = new WaitingRows();
  readonly #lanes = new Lanes();
  /** Those that may go, by their age, and those whose time comes, by that; some are gone. */
  readonly #ready = this.#heapBy((row) => this.#rows.seq(row));
  readonly #timed = this.#heapBy((row) => this.#rows.nextAt(row));
  /** Most at once since there were none. */
  #most = 0;

  get size(): number {
    return this.#rows.size;
  }

  /** Oldest first. */
  values(): IterableIterator<Remembered> {
    return this.#rows.all();
  }

  get(seq: number): Remembered | undefined {
    const row = this.#rows.find(seq);
    return row === NONE ? undefined : this.#rows.read(row);
  }

  /** Whether something of this lane waits, or is with the core: what comes now is behind it. */
  hasLane(name: string): boolean {
    return this.#lanes.has(name);
  }

  add(waiting: Waiting): void {
    const row = this.#rows.add(waiting);
    this.#most = Math.max(this.#most, this.size);
    const { place, behind } = this.#lanes.join(waiting.lanes, row);
    this.#rows.setPlace(row, place);
    this.#rows.setAhead(row, behind);
    if (behind === 0) this.#queue(row);
  }

  /**
   * Takes the oldest that may go now; its lanes stay closed until `remove` or `putBack`.
   *
   * @param fits - False: not this one now, and none behind it.
   */
  take(now: number, fits: (waiting: Remembered) => boolean): Remembered | undefined {
    this.#ripen(now);
    const { first: row } = this.#ready;
    if (row === undefined) return undefined;
    const waiting = this.#rows.read(row);
    if (!fits(waiting)) return undefined;
    this.#ready.pop();
    this.#rows.setStage(row, AWAY);
    return waiting;
  }

  /** Not taken by the core: it is first in its lanes again, from `nextAt` on. */
  putBack(seq: number, nextAt: number, attempts: number): void {
    const row = this.#rows.find(seq);
    if (row === NONE || this.#rows.stage(row) !== AWAY) return;
    this.#rows.postpone(row, nextAt, attempts);
    this.#queue(row);
  }

  /** It waits no more, wherever it was; those behind it move up. */
  remove(seq: number): Remembered | undefined {
    const row = this.#rows.find(seq);
    if (row === NONE) return undefined;
    const waiting = this.#rows.read(row);
    this.#rows.remove(row);
    for (let place = this.#rows.place(row); place !== NONE;) {
      const left = place;
      place = this.#lanes.siblingOf(left);
      this.#moveUp(this.#lanes.leave(left));
    }
    // A heap has no other way to let go of it than from its top.
    if (this.#rows.stage(row) === FIRST) this.#rows.setStage(row, GONE);
    else this.#rows.release(row);
    if (this.size === 0 && this.#most >= MANY) this.#clear();
    return waiting;
  }

  /** Unix ms at which `take` gives something; undefined while all that waits is with the core. */
  nextAt(now: number): number | undefined {
    this.#ripen(now);
    if (this.#ready.first !== undefined) return now;
    const { first: row } = this.#timed;
    return row === undefined ? undefined : this.#rows.nextAt(row);
  }

  /** @param row - `NONE`: nobody is first now who was not before. */
  #moveUp(row: number): void {
    if (row === NONE) return;
    const ahead = this.#rows.ahead(row) - 1;
    this.#rows.setAhead(row, ahead);
    if (ahead === 0 && this.#rows.stage(row) === BEHIND) this.#queue(row);
  }

  #queue(row: number): void {
    this.#rows.setStage(row, FIRST);
    const heap = this.#rows.nextAt(row) > 0 ? this.#timed : this.#ready;
    heap.push(row);
  }

  #ripen(now: number): void {
    for (;;) {
      const { first: row } = this.#timed;
      if (row === undefined) break;
      const isGone = this.#rows.stage(row) === GONE;
      if (!isGone && this.#rows.nextAt(row) > now) break;
      this.#timed.pop();
      if (isGone) this.#rows.release(row);
      else this.#ready.push(row);
    }
    for (;;) {
      const { first: row } = this.#ready;
      if (row === undefined || this.#rows.stage(row) !== GONE) break;
      this.#ready.pop();
      this.#rows.release(row);
    }
  }

  #clear(): void {
    this.#ready.clear();
    this.#timed.clear();
    this.#lanes.clear();
    this.#rows.clear();
    this.#most = 0;
  }

  #heapBy(orderOf: (row: number) => number): Heap<number> {
    return new Heap((a, b) => orderOf(a) < orderOf(b));
  }
}
