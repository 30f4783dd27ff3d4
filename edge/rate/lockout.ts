/** Of the gateway contract. */
export const LOCKOUT_MS = 300_000;
/** Addresses remembered at once, the oldest go first: a megabyte. */
const MAX_ADDRESSES = 10_000;

/**
 * Addresses that have guessed too often. Whatever credential they show in a header, a form or a
 * first frame is not looked at, the right one neither: or they could go on guessing. Each isolate
 * has its own list; that they guess too often, all of a location find out together. Pure.
 */
export class Lockout {
  readonly #until = new Map<string, number>();

  /** @param now - Unix ms. */
  lock(who: string, now: number): void {
    // Set anew, so that the map stays in the order of its ends.
    this.#until.delete(who);
    this.#until.set(who, now + LOCKOUT_MS);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MAX_ADDRESSES && oldest !== undefined) this.#until.delete(oldest);
  }

  /** How long it stays locked out, ms; 0 when it is not. */
  lockedForMs(who: string, now: number): number {
    return Math.max(0, (this.#until.get(who) ?? 0) - now);
  }

  get isEmpty(): boolean {
    return this.#until.size === 0;
  }
}
