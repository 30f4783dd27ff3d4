/**
 * A clock that stands still until it is told to move. Has the shape of the core's `Clock`.
 *
 * `wait` settles when time was moved far enough or its signal aborts, never by itself.
 */
export class ManualClock {
  #now: number;
  readonly #waits = new Set<{ readonly due: number; readonly settle: () => void }>();
  readonly #watchers = new Set<() => void>();

  constructor(now = 1_790_000_000_000) {
    this.#now = now;
  }

  readonly now = (): number => this.#now;

  readonly wait = (ms: number, signal: AbortSignal): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (signal.aborted || ms <= 0) return Promise.resolve();
    const wait = { due: this.#now + ms, settle: resolve };
    this.#waits.add(wait);
    const stop = (): void => {
      this.#waits.delete(wait);
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
    for (const watcher of this.#watchers) watcher();
    return promise.finally(() => signal.removeEventListener("abort", stop));
  };

  /** Milliseconds, of every wait under way, until it is due. */
  get pending(): number[] {
    return [...this.#waits].map(({ due }) => due - this.#now).toSorted((a, b) => a - b);
  }

  /** Moves time and settles what has become due. */
  advance(ms: number): void {
    this.#now += ms;
    for (const wait of this.#waits) {
      if (wait.due > this.#now) continue;
      this.#waits.delete(wait);
      wait.settle();
    }
  }

  /** Resolves once somebody waits for exactly `ms`. */
  async waiting(ms: number): Promise<void> {
    while (!this.pending.includes(ms)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
      this.#watchers.delete(resolve);
    }
  }
}
