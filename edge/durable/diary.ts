/** Why a relay was woken. */
export type WakeCause = "request" | "socket" | "webhook" | "core" | "question" | "alarm";

/** A relay falls asleep after about this long without anything to do. */
const SLEEP_AFTER_MS = 10_000;

/**
 * How long this relay was awake and what for: that is what it costs. Kept by the sockets of the
 * cores, so writing it down costs no row; with no core connected it starts again.
 */
export class Diary {
  #entries: Record<string, number>;
  readonly #wokeAt: number;
  #lastEventAt: number;
  #woken = false;

  /** @param kept - What a socket has brought through the sleep. */
  constructor(kept: Readonly<Record<string, number>>, now: number) {
    this.#entries = { ...kept };
    this.#wokeAt = now;
    this.#lastEventAt = now;
    // What the period before lasted is known only now: until it had been quiet for a while.
    const { wokeAt = 0, lastEventAt = 0 } = kept;
    if (wokeAt > 0) this.#add("awakeMs", lastEventAt - wokeAt + SLEEP_AFTER_MS);
  }

  /** Something happens; the first thing after a sleep is what has ended it. */
  note(cause: WakeCause, now: number): void {
    this.#lastEventAt = now;
    if (this.#woken) return;
    this.#woken = true;
    this.#add(`wake:${cause}`, 1);
  }

  /** For a socket to keep. */
  get entries(): Readonly<Record<string, number>> {
    return { ...this.#entries, wokeAt: this.#wokeAt, lastEventAt: this.#lastEventAt };
  }

  /** Awake so far, this time included. Milliseconds. */
  awakeMs(now: number): number {
    return (this.#entries["awakeMs"] ?? 0) + now - this.#wokeAt;
  }

  /** How often each cause has ended a sleep. */
  get wakes(): Readonly<Record<string, number>> {
    const wakes = Object.entries(this.#entries).filter(([name]) => name.startsWith("wake:"));
    return Object.fromEntries(wakes.map(([name, count]) => [name.slice("wake:".length), count]));
  }

  #add(name: string, amount: number): void {
    this.#entries = { ...this.#entries, [name]: (this.#entries[name] ?? 0) + amount };
  }
}

/** Of what several sockets have brought through the sleep, what was written down last. */
export function newest(kept: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  return { ...kept.toSorted((a, b) => writtenAt(b) - writtenAt(a))[0] };
}

function writtenAt(kept: Readonly<Record<string, number>>): number {
  return kept["lastEventAt"] ?? 0;
}
