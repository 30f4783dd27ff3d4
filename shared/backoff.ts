/**
 * How long to wait before try number `attempt`.
 *
 * Full jitter: a uniform draw below an exponential ceiling, so that a thousand clients cut off
 * at once do not come back at once.
 * Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param attempt - 0 for the first retry.
 * @param random - Uniform in [0, 1); passed in so that tests are exact.
 * @returns Milliseconds, below `maxMs`.
 * @throws RangeError when `attempt` is negative or not whole: a caller's bug, not bad luck.
 */
export function backoffMs(
  attempt: number,
  random: () => number,
  { baseMs = 500, maxMs = 30_000 } = {},
): number {
  if (!Number.isInteger(attempt) || attempt < 0) throw new RangeError(`bad attempt ${attempt}`);
  return random() * Math.min(maxMs, baseMs * 2 ** attempt);
}
