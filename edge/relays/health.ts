/**
 * What an isolate remembers of one relay. Pure: no clock, no calls.
 *
 * Two things are remembered apart: whether the relay answers, and whether a core is with it. A
 * relay without a core is well, but another one may be of more use.
 */

/** An answer this recent stands for the next one: no probe goes ahead of a request. */
export const WELL_MS = 30_000;
/** What failed is asked again after this long, beside a request that goes elsewhere. */
export const RETRY_MS = 10_000;
/** A core that was lost is back soon, and a relay that answers is not burdened by a question. */
export const CORELESS_RETRY_MS = 1_000;

export type Pulse =
  /** It has answered lately. */
  | "well"
  /** Nothing is known: it may sleep, or be gone. */
  | "unknown"
  /** It failed, and has not answered since. */
  | "unwell";

export class RelayHealth {
  #answeredAt = -Infinity;
  #failedAt = -Infinity;
  #corelessAt = -Infinity;
  #isUnwell = false;

  pulse(now: number): Pulse {
    if (this.#isUnwell) return "unwell";
    return now - this.#answeredAt < WELL_MS ? "well" : "unknown";
  }

  /** Unix ms of the last answer; -Infinity before the first and after any doubt. */
  get answeredAt(): number {
    return this.#answeredAt;
  }

  /** The lower, the better: relays of one rank are used in the order of the settings. */
  get rank(): number {
    if (this.#isUnwell) return 2;
    return this.#corelessAt === -Infinity ? 0 : 1;
  }

  /** Whether it is time to look if what was wrong still is. */
  isDue(now: number): boolean {
    if (this.#isUnwell) return now - this.#failedAt >= RETRY_MS;
    return this.rank > 0 && now - this.#corelessAt >= CORELESS_RETRY_MS;
  }

  /** It has answered, whatever the answer was. */
  answered(now: number): void {
    this.#answeredAt = now;
    this.#isUnwell = false;
  }

  /** It threw, or kept silent for too long. */
  failed(now: number): void {
    this.#failedAt = now;
    this.#answeredAt = -Infinity;
    this.#isUnwell = true;
  }

  /** It takes its time with something: until it has answered again, nobody may rely on it. */
  doubted(): void {
    this.#answeredAt = -Infinity;
  }

  /** What it said of its core. */
  sawCore(connected: boolean, now: number): void {
    this.#corelessAt = connected ? -Infinity : now;
  }
}
