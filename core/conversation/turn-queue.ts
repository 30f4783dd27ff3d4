import { GatewayError } from "../../shared/errors.ts";

/** Gives the turn on. Calling it again does nothing. */
export type Release = () => void;

interface Waiting {
  readonly go: () => void;
}

/** Turns of one session, one at a time, first come first served. Sessions know nothing of each other. */
export class TurnQueue {
  readonly #maxWaiting: number;
  /** Sessions with a turn under way, and who waits behind it. Others have no entry. */
  readonly #sessions = new Map<string, Waiting[]>();

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /**
   * Waits for the turn of `key`.
   *
   * @throws GatewayError `overloaded` when too many wait already, `canceled` when `signal` aborts first.
   */
  async acquire(key: string, signal: AbortSignal): Promise<Release> {
    if (signal.aborted) throw canceled();
    const waiting = this.#sessions.get(key);
    if (waiting === undefined) {
      this.#sessions.set(key, []);
      return this.#releaseOf(key);
    }
    if (waiting.length >= this.#maxWaiting) {
      throw new GatewayError("overloaded", "Too many messages wait in this conversation", {
        retryAfterMs: FULL_RETRY_MS,
      });
    }
    await new Promise<void>((resolve, reject) => {
      const entry = {
        go(): void {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      const leave = (): void => {
        waiting.splice(waiting.indexOf(entry), 1);
        reject(canceled());
      };
      waiting.push(entry);
      signal.addEventListener("abort", leave, { once: true });
    });
    return this.#releaseOf(key);
  }

  #releaseOf(key: string): Release {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const next = this.#sessions.get(key)?.shift();
      if (next === undefined) this.#sessions.delete(key);
      else next.go();
    };
  }
}

/** About what a turn takes. */
const FULL_RETRY_MS = 10_000;

function canceled(): GatewayError {
  return new GatewayError("canceled", "The request was canceled");
}
