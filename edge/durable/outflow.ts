import { LIMITS } from "../../shared/limits.ts";

/** Unsent bytes up to which a client counts as keeping up. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Unsent bytes of all clients that are behind, together: a relay shares 128 MB with its isolate. */
const MAX_BEHIND_BYTES = 32 * 1024 * 1024;
/** How often a client that is behind is looked at; only then is there a timer. */
const POLL_MS = 25;

/** Unsent bytes of the clients of one relay that are behind. */
export interface Behind {
  bytes: number;
}

/**
 * Gives credit back to the core as fast as a client takes what was sent to it. The runtime tells
 * how much has not left yet, but not when it has: while a client is behind we look now and then,
 * which keeps the relay awake no longer than that client is given.
 */
export class Outflow {
  readonly #buffered: () => number;
  readonly #behind: Behind;
  readonly #onStuck: () => void;
  #owed: (() => void)[] = [];
  #timer: number | undefined;
  /** Unsent when we last looked: less than that later on, and the client has taken something. */
  #seen = 0;
  #takenAt = 0;
  #stopped = false;

  /**
   * @param behind - What this client adds to while it is behind.
   * @param onStuck - It has taken nothing for `slowClientMs`, or all together are too far behind.
   */
  constructor(buffered: () => number, behind: Behind, onStuck: () => void) {
    this.#buffered = buffered;
    this.#behind = behind;
    this.#onStuck = onStuck;
  }

  /**
   * Hands something to the socket.
   *
   * @param giveBack - What was sent may be replaced: called once, at the end at the latest.
   */
  push(send: () => void, giveBack: () => void): void {
    if (this.#stopped) {
      giveBack();
      return;
    }
    const isBehind = this.#timer !== undefined;
    if (isBehind) this.#look();
    send();
    if (!isBehind && this.#buffered() <= HIGH_WATER_BYTES) {
      giveBack();
      return;
    }
    this.#owed.push(giveBack);
    this.#see(this.#buffered());
    if (!isBehind) {
      this.#takenAt = Date.now();
      this.#watch();
    }
    if (this.#behind.bytes > MAX_BEHIND_BYTES) this.#onStuck();
  }

  /** Sends nothing more, and owes nothing. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#settle();
  }

  #watch(): void {
    // oxlint-disable-next-line no-restricted-globals -- bounded by slowClientMs without progress
    this.#timer = setTimeout(() => this.#poll(), POLL_MS);
  }

  #poll(): void {
    this.#timer = undefined;
    this.#look();
    if (this.#seen <= HIGH_WATER_BYTES) this.#settle();
    else if (Date.now() - this.#takenAt > LIMITS.slowClientMs) this.#onStuck();
    else this.#watch();
  }

  #look(): void {
    const buffered = this.#buffered();
    if (buffered < this.#seen) this.#takenAt = Date.now();
    this.#see(buffered);
  }

  #see(buffered: number): void {
    this.#behind.bytes += buffered - this.#seen;
    this.#seen = buffered;
  }

  #settle(): void {
    this.#see(0);
    for (const giveBack of this.#owed.splice(0)) giveBack();
  }
}
