import { vi } from "vitest";
import { PATIENCE_MS } from "./patience.ts";

/** How often a condition is looked at, in ms. */
const LOOK_MS = 20;

type Truthy<T> = Exclude<T, false | null | undefined | 0 | "">;

/**
 * Waits until `seen` gives something that is not falsy, and gives that.
 * @throws Error when it has not in time
 */
export function until<T>(
  seen: () => T | Promise<T>,
  { everyMs = LOOK_MS, patienceMs = PATIENCE_MS } = {},
): Promise<Truthy<T>> {
  return vi.waitUntil(seen, { timeout: patienceMs, interval: everyMs });
}

/**
 * Waits until `passes` does not throw, and gives what it gives.
 * @throws the last error of `passes` when it still throws then
 */
export function eventually<T>(
  passes: () => T | Promise<T>,
  { everyMs = LOOK_MS, patienceMs = PATIENCE_MS } = {},
): Promise<T> {
  return vi.waitFor(passes, { timeout: patienceMs, interval: everyMs });
}
