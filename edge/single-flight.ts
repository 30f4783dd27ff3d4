import { within } from "./deadline.ts";

/** Keeps work going after the request that started it was answered or left. */
export type KeepAlive = (work: Promise<unknown>) => void;

const DEFAULT_WAIT_MS = 5_000;

/**
 * Many ask at once, one goes.
 *
 * The runtime ties I/O to the request that began it. So the work is handed to `keepAlive`, and
 * work that is older than anyone would wait for counts as dead: its request was torn down with it.
 */
export class SingleFlight<T> {
  /** Longest a request waits for work that another one started. */
  readonly #maxWaitMs: number;
  #flight: { readonly work: Promise<T>; readonly since: number } | undefined;

  /** @param maxWaitMs - Older work counts as dead. */
  constructor(maxWaitMs = DEFAULT_WAIT_MS) {
    this.#maxWaitMs = maxWaitMs;
  }

  /** True while `run` would only wait for work that is under way. */
  busy(now: number): boolean {
    return this.#flight !== undefined && now - this.#flight.since < this.#maxWaitMs;
  }

  /** @throws DeadlineError when the one under way takes too long; otherwise what `load` throws. */
  run(load: () => Promise<T>, keepAlive: KeepAlive, now: number): Promise<T> {
    if (this.#flight !== undefined && this.busy(now)) {
      return within(this.#flight.work, this.#maxWaitMs);
    }
    const work = load().finally(() => {
      if (this.#flight?.work === work) this.#flight = undefined;
    });
    this.#flight = { work, since: now };
    // Whoever waits sees the failure; `keepAlive` alone would report it as unhandled.
    keepAlive(work.catch(() => {}));
    return work;
  }
}
