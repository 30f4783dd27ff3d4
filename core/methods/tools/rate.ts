/** How often something may be done in a while, by key. */

interface Window {
  readonly since: number;
  readonly count: number;
}

/** Keys that are remembered; the oldest is forgotten first. */
const MAX_KEYS = 1_000;

export class Rate {
  readonly #max: number;
  readonly #windowMs: number;
  readonly #now: () => number;
  readonly #windows = new Map<string, Window>();

  /** @param now - Unix ms. */
  constructor(max: number, windowMs: number, now: () => number) {
    this.#max = max;
    this.#windowMs = windowMs;
    this.#now = now;
  }

  /** Counts one; false: it is one too many. */
  take(key: string): boolean {
    const now = this.#now();
    const known = this.#windows.get(key);
    const isOpen = known !== undefined && now - known.since < this.#windowMs;
    const { since, count } = isOpen ? known : { since: now, count: 0 };
    if (count >= this.#max) return false;
    this.#windows.delete(key);
    this.#windows.set(key, { since, count: count + 1 });
    const [oldest] = this.#windows.keys();
    if (this.#windows.size > MAX_KEYS && oldest !== undefined) this.#windows.delete(oldest);
    return true;
  }
}
