/** What a soak run is made of. */
import { setTimeout as sleep } from "node:timers/promises";

/** One kind of trouble, gone on with until its time is over. */
export interface Scenario {
  readonly name: string;
  readonly run: (budget: Budget) => Promise<Outcome>;
}

export interface Budget {
  readonly seconds: number;
  /** The same seed makes the same trouble. */
  readonly seed: number;
}

export interface Outcome {
  /** What was done, by name. */
  readonly counts: Readonly<Record<string, number>>;
  /** Invariants that did not hold: none, or the run has failed. */
  readonly violations: readonly string[];
}

/** The most of one kind that is told: a thousand are no clearer than ten. */
const MAX_TOLD = 10;

/** A list of ids as one violation, or none. */
export function violation(what: string, ids: readonly string[]): string[] {
  if (ids.length === 0) return [];
  const more = ids.length > MAX_TOLD ? " …" : "";
  return [`${ids.length} ${what}: ${ids.slice(0, MAX_TOLD).join(" ")}${more}`];
}

/** Calls `once` every `everyMs` until the time is over, waiting for none; then for all of them. */
export async function atRate(
  everyMs: number,
  seconds: number,
  once: (number: number) => Promise<void>,
): Promise<number> {
  const until = performance.now() + seconds * 1000;
  const under = new Set<Promise<void>>();
  let number = 0;
  while (performance.now() < until) {
    number += 1;
    const one = once(number)
      .catch(() => undefined)
      .finally(() => under.delete(one));
    under.add(one);
    await sleep(everyMs);
  }
  await Promise.all(under);
  return number;
}
