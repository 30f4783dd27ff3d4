import { Bell } from "../../conversation/bell.ts";

/** Something that has begun and not ended. */
export interface Job {
  /** What it is, for people: `http`, `channel`, `request` … */
  readonly kind: string;
  /** Unix ms. */
  readonly since: number;
}

/** Knows what is under way, for whoever has to wait for its end. */
export class UnderWay {
  readonly #jobs = new Set<Job>();
  readonly #now: () => number;
  readonly #ends: Bell;

  /** @param ends - Rings whenever something has ended. */
  constructor(now: () => number = Date.now, ends = new Bell()) {
    this.#now = now;
    this.#ends = ends;
  }

  get jobs(): readonly Job[] {
    return [...this.#jobs];
  }

  /** It ends when what is returned is disposed. */
  begin(kind: string): Disposable {
    const job: Job = { kind, since: this.#now() };
    this.#jobs.add(job);
    return {
      [Symbol.dispose]: () => {
        if (this.#jobs.delete(job)) this.#ends.ring();
      },
    };
  }

  /** It is under way until `work` has settled. */
  async during<T>(kind: string, work: () => T | Promise<T>): Promise<T> {
    const job = this.begin(kind);
    try {
      return await work();
    } finally {
      job[Symbol.dispose]();
    }
  }

  /** Resolves when nothing is under way, or `deadlineMs` have passed. */
  async ended(deadlineMs: number): Promise<void> {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), deadlineMs);
    while (this.#jobs.size > 0 && !over.signal.aborted) await this.#ends.heard(over.signal);
    clearTimeout(timer);
  }
}
