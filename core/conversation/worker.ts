import { backoffMs } from "../../shared/backoff.ts";
import type { Logger } from "pino";
import type { Clock } from "../channels/clock.ts";

/** Looks for work when it is poked, and when some comes due, until it is drained. */
export interface Worker {
  /** There may be new work. Costs nothing when there is none. */
  poke(): void;
  /** Begins nothing new; settles when what is under way has ended, or was cut off at `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>;
}

/** What a worker works on. All methods are called by one loop, never side by side; `work` is not. */
export interface Work<Item> {
  /** For the log. */
  readonly name: string;
  /** Items at once. */
  readonly maxRunning: number;
  /** Takes at most `limit` items that may be begun now, and makes sure that nobody takes them again. */
  take(limit: number): Promise<readonly Item[]>;
  /** When there may be more, Unix ms; undefined: only after a poke. */
  nextDue(): Promise<number | undefined>;
  /** Handles one item to its end. `signal` aborts when the gateway can wait no longer. */
  work(item: Item, signal: AbortSignal): Promise<void>;
}

export interface WorkerParts {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** Shortest sleep: a clock that runs apart from the store's must not make the loop spin. */
const MIN_SLEEP_MS = 10;

/** Starts working. */
export function startWorker<Item>(work: Work<Item>, parts: WorkerParts): Worker {
  const { clock, random, log } = parts;
  const draining = new AbortController();
  const cutOff = new AbortController();
  const running = new Set<Promise<void>>();
  let poked = new AbortController();

  async function handle(item: Item): Promise<void> {
    try {
      await work.work(item, cutOff.signal);
    } catch (error) {
      // Handlers turn what can go wrong into an outcome; this is a bug, or the store is gone.
      log.error({ err: error, worker: work.name }, "work failed");
    }
  }

  async function look(): Promise<void> {
    const free = work.maxRunning - running.size;
    const items = free > 0 ? await work.take(free) : [];
    for (const item of items) {
      const done = handle(item).finally(() => {
        running.delete(done);
        poked.abort();
      });
      running.add(done);
    }
    if (items.length > 0 && running.size < work.maxRunning) return;
    const due = running.size < work.maxRunning ? await work.nextDue() : undefined;
    const sleepMs = due === undefined ? undefined : Math.max(MIN_SLEEP_MS, due - clock.now());
    await sleep(sleepMs);
  }

  /** Until a poke, the drain, or the time is over. */
  async function sleep(ms: number | undefined): Promise<void> {
    const wake = AbortSignal.any([poked.signal, draining.signal]);
    if (ms !== undefined) return clock.wait(ms, wake);
    if (wake.aborted) return;
    await new Promise((resolve) => wake.addEventListener("abort", resolve, { once: true }));
  }

  async function loop(): Promise<void> {
    let failures = 0;
    while (!draining.signal.aborted) {
      // Set before the look: a poke during it must not be missed.
      if (poked.signal.aborted) poked = new AbortController();
      try {
        await look();
        failures = 0;
      } catch (error) {
        failures += 1;
        log.error({ err: error, worker: work.name }, "the store failed: trying again");
        await clock.wait(backoffMs(failures, random), draining.signal);
      }
    }
  }

  const looping = loop();

  async function drain(deadlineMs: number): Promise<void> {
    draining.abort();
    await looping;
    const over = new AbortController();
    const timer = clock.wait(deadlineMs, over.signal).then(() => cutOff.abort());
    await Promise.all(running);
    over.abort();
    await timer;
  }

  return { poke: () => poked.abort(), drain };
}
