import { setTimeout } from "node:timers/promises";

/** Time as a parameter, so that tests can hold it. */
export interface Clock {
  /** Unix time, milliseconds. */
  readonly now: () => number;
  /** Settles after `ms`, or as soon as `signal` aborts. Never rejects. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** The clock on the wall. */
export const systemClock: Clock = {
  now: () => Date.now(),

  async wait(ms, signal) {
    try {
      await setTimeout(ms, undefined, { signal, ref: true });
    } catch (error) {
      if (!signal.aborted) throw error; // an abort is one of the two ways to be done waiting
    }
  },
};
