import { LIMITS } from "../../shared/limits.ts";

/** Unsent bytes up to which a client counts as keeping up. */
const HIGH_WATER_BYTES = 256 * 1024;
/** How often a client that is behind is looked at; only then is there a timer. */
const POLL_MS = 25;

/**
 * Gives credit back to the core as fast as a client takes what was sent to it. The runtime tells
 * how much has not left yet, but not when it has: while a client is behind we look now and then,
 * which keeps the relay awake no longer than that client is given.
 */
export class Outflow {
  readonly #buffered: () => number;
  readonly #onStuck: () => void;
  #owed: (() => void)[] = [];
  #timer: number | undefined;
  #lowest = 0;
  #lowestAt = 0;

  /** @param onStuck - It has taken nothing for `slowClientMs`. */
  constructor(buffered: () => number, onStuck: () => void) {
    this.#buffered = buffered;
    this.#onStuck = onStuck;
  }

  /** `bytes` were handed to the socket; `consume` says that they may be replaced. */
  sent(bytes: number, consume: (bytes: number) => void): void {
    if (this.#timer === undefined && this.#buffered() <= HIGH_WATER_BYTES) {
      consume(bytes);
      return;
    }
    this.#owed.push(() => consume(bytes));
    if (this.#timer !== undefined) return;
    this.#lowest = this.#buffered();
    this.#lowestAt = Date.now();
    this.#watch();
  }

  stop(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#owed = [];
  }

  #watch(): void {
    // oxlint-disable-next-line no-restricted-globals -- bounded by slowClientMs without progress
    this.#timer = setTimeout(() => this.#look(), POLL_MS);
  }

  #look(): void {
    this.#timer = undefined;
    const buffered = this.#buffered();
    if (buffered <= HIGH_WATER_BYTES) {
      for (const consume of this.#owed.splice(0)) consume();
      return;
    }
    const now = Date.now();
    if (buffered < this.#lowest) {
      this.#lowest = buffered;
      this.#lowestAt = now;
    }
    if (now - this.#lowestAt > LIMITS.slowClientMs) this.#onStuck();
    else this.#watch();
  }
}
