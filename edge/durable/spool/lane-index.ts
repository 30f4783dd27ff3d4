/**
 * Which of the webhooks that wait may go. Pure: no clock, no storage, no body.
 *
 * A webhook with several events is in several lanes, and goes when it is the first in each. The
 * oldest of all is the first in all of its lanes, so nothing can wait in a circle. Webhooks must be
 * added in the order of their `seq`.
 */
import { Heap } from "./heap.ts";

/** What is remembered of a webhook that waits. */
export interface Waiting {
  /** Order of arrival over all lanes. */
  readonly seq: number;
  /** Names the table that holds it. */
  readonly hour: number;
  /** Its place among the rows of that table. */
  readonly ordinal: number;
  readonly route: string;
  /** Bytes of body and headers. */
  readonly size: number;
  /** The edge could not verify it. */
  readonly unverified: boolean;
  /** Unix ms since when it waits. */
  readonly since: number;
  readonly lanes: readonly string[];
  /** How often a core that was there did not take it. */
  readonly attempts: number;
  /** Unix ms before which it does not go. */
  readonly nextAt: number;
}

/** The webhooks of one lane, oldest first; those before `head` are gone. */
interface Lane {
  readonly name: string;
  queue: Entry[];
  head: number;
}

class Entry {
  readonly seq: number;
  readonly hour: number;
  readonly ordinal: number;
  readonly route: string;
  readonly size: number;
  readonly unverified: boolean;
  readonly since: number;
  queues: readonly Lane[] = [];
  attempts: number;
  nextAt: number;
  /** Lanes in which something is before it. */
  behind = 0;
  /** With the core now. */
  away = false;
  /** It may be in a heap still. */
  gone = false;

  constructor(waiting: Waiting, route: string) {
    this.seq = waiting.seq;
    this.hour = waiting.hour;
    this.ordinal = waiting.ordinal;
    this.route = route;
    this.size = waiting.size;
    this.unverified = waiting.unverified;
    this.since = waiting.since;
    this.attempts = waiting.attempts;
    this.nextAt = waiting.nextAt;
  }

  get lanes(): readonly string[] {
    return this.queues.map(({ name }) => name);
  }
}

/** A queue that has let go of so many is copied without them. */
const MAX_HEAD = 256;

export class LaneIndex {
  readonly #entries = new Map<number, Entry>();
  readonly #lanes = new Map<string, Lane>();
  readonly #routes = new Map<string, string>();
  readonly #ready = new Heap<Entry>((a, b) => a.seq < b.seq);
  readonly #timed = new Heap<Entry>((a, b) => a.nextAt < b.nextAt);

  get size(): number {
    return this.#entries.size;
  }

  /** Oldest first. */
  values(): IterableIterator<Waiting> {
    return this.#entries.values();
  }

  get(seq: number): Waiting | undefined {
    return this.#entries.get(seq);
  }

  /** Whether something of this lane waits, or is with the core: what comes now is behind it. */
  hasLane(name: string): boolean {
    return this.#lanes.has(name);
  }

  add(waiting: Waiting): void {
    const entry = new Entry(waiting, this.#routeOf(waiting));
    entry.queues = [...new Set(waiting.lanes)].map((name) => this.#join(name, entry));
    this.#entries.set(entry.seq, entry);
    if (entry.behind === 0) this.#timed.push(entry);
  }

  /**
   * Takes the oldest that may go now; its lanes stay closed until `remove` or `putBack`.
   *
   * @param fits - False: not this one now, and none behind it.
   */
  take(now: number, fits: (waiting: Waiting) => boolean): Waiting | undefined {
    this.#ripen(now);
    const { first } = this.#ready;
    if (first === undefined || !fits(first)) return undefined;
    this.#ready.pop();
    first.away = true;
    return first;
  }

  /** Not taken by the core: it is first in its lanes again, from `nextAt` on. */
  putBack(seq: number, nextAt: number, attempts: number): void {
    const entry = this.#entries.get(seq);
    if (entry?.away !== true) return;
    entry.away = false;
    entry.nextAt = nextAt;
    entry.attempts = attempts;
    this.#timed.push(entry);
  }

  /** It waits no more, wherever it was; those behind it move up. */
  remove(seq: number): Waiting | undefined {
    const entry = this.#entries.get(seq);
    if (entry === undefined) return undefined;
    this.#entries.delete(seq);
    entry.gone = true;
    for (const lane of entry.queues) this.#leave(lane, entry);
    return entry;
  }

  /** Unix ms at which `take` gives something; undefined while all that waits is with the core. */
  nextAt(now: number): number | undefined {
    this.#ripen(now);
    return this.#ready.first === undefined ? this.#timed.first?.nextAt : now;
  }

  #ripen(now: number): void {
    for (;;) {
      const { first } = this.#timed;
      if (first === undefined || (!first.gone && first.nextAt > now)) break;
      this.#timed.pop();
      if (!first.gone) this.#ready.push(first);
    }
    while (this.#ready.first?.gone === true) this.#ready.pop();
  }

  /** The one copy of its name: a row read anew brings another. */
  #routeOf({ route }: Waiting): string {
    if (this.#lanes.size === 0) this.#routes.clear();
    const known = this.#routes.get(route);
    if (known === undefined) this.#routes.set(route, route);
    return known ?? route;
  }

  #join(name: string, entry: Entry): Lane {
    const known = this.#lanes.get(name);
    if (known !== undefined) {
      entry.behind += 1;
      known.queue.push(entry);
      return known;
    }
    // A list that is made with one entry has room for no more: most lanes never have a second.
    const lane = { name, queue: [entry], head: 0 };
    this.#lanes.set(name, lane);
    return lane;
  }

  #leave(lane: Lane, entry: Entry): void {
    if (lane.queue[lane.head] === entry) {
      lane.head += 1;
      const next = lane.queue[lane.head];
      if (next !== undefined) {
        next.behind -= 1;
        if (next.behind === 0) this.#timed.push(next);
      }
    } else {
      lane.queue = lane.queue.filter((one, at) => at >= lane.head && one !== entry);
      lane.head = 0;
    }
    if (lane.head === lane.queue.length) this.#lanes.delete(lane.name);
    else if (lane.head >= MAX_HEAD && lane.head * 2 >= lane.queue.length) {
      lane.queue = lane.queue.slice(lane.head);
      lane.head = 0;
    }
  }
}
