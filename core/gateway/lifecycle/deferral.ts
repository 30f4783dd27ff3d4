/** When a restart that somebody wants may begin. Pure. */
import type { Job } from "./under-way.ts";

/** Most turns end within moments of having begun: for those younger than this one can wait. */
export const YOUNG_MS = 2_000;
/** Once new work waits for the restart, this long for what is left to end; first and later times. */
const PATIENCE_MS = [2_000, 10_000] as const;
/** After that was in vain, new work is not made to wait again for so many times as long. */
const REST_TIMES = 3;

/** How long the next try may make new work wait, after so many in vain. */
export function patienceMs(triesInVain: number): number {
  return triesInVain === 0 ? PATIENCE_MS[0] : PATIENCE_MS[1];
}

/** How long new work is left alone after a try in vain. */
export function restMs(patience: number): number {
  return patience * REST_TIMES;
}

/** A restart that somebody wants. */
export interface Wish {
  /** Unix ms; not before this. */
  readonly from: number;
  /** Unix ms; undefined: it waits as long as it takes. */
  readonly deadline: number | undefined;
  /** Unix ms; until then new work is not made to wait again. */
  readonly restUntil: number;
  /** Whoever wants it does not mind what is cut off. */
  readonly forced: boolean;
}

/**
 * `try`: what is left is about to end, so let new work wait. `cut`: begin, whatever goes on. `wait`
 * until some work has changed or `ms` have passed; `for` says on what.
 */
export type Step =
  | { readonly do: "try" | "cut" }
  | { readonly do: "wait"; readonly for: "time" | "work"; readonly ms: number };

export function nextStep(jobs: readonly Job[], wish: Wish, now: number): Step {
  const { from, deadline = Number.POSITIVE_INFINITY, restUntil, forced } = wish;
  if (now < from) return { do: "wait", for: "time", ms: from - now };
  if (forced || now >= deadline) return { do: "cut" };
  if (jobs.length === 0) return { do: "try" };
  const isYoung = jobs.every(({ since }) => now - since < YOUNG_MS);
  if (isYoung && now >= restUntil) return { do: "try" };
  const next = isYoung ? Math.min(restUntil, deadline) : deadline;
  return { do: "wait", for: "work", ms: next - now };
}
