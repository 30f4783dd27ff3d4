import { logLine } from "../log.ts";

/** Something whose state rides on a socket. */
export interface Kept {
  /** Writes it down now. */
  persist(): void;
}

/** Far below the ten seconds after which a relay may sleep. */
const KEEP_AFTER_MS = 50;

/**
 * Writes attachments down once in a while instead of with every message: what they hold is needed
 * after a sleep only, and there is no sleep while our timer runs. When the object is lost, so are
 * its sockets and all they carry.
 */
export class Keeper {
  #due = new Set<Kept>();
  #armed = false;
  readonly #afterMs: number;

  constructor(afterMs: number = KEEP_AFTER_MS) {
    this.#afterMs = afterMs;
  }

  /** `kept` has changed. */
  mark(kept: Kept): void {
    this.#due.add(kept);
    if (this.#armed) return;
    this.#armed = true;
    // oxlint-disable-next-line no-restricted-globals -- one for all that changes in this time
    setTimeout(() => this.#keep(), this.#afterMs);
  }

  #keep(): void {
    this.#armed = false;
    const due = this.#due;
    this.#due = new Set();
    for (const kept of due) {
      try {
        kept.persist();
      } catch (error) {
        // One that cannot be kept must not cost the others what they have to say.
        logLine("error", { event: "not_kept", err: String(error) });
      }
    }
  }
}
