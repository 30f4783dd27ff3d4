import { type Bucket, rateHeaders, takeToken } from "../rate/token-bucket.ts";

/** Callers remembered at once; the one longest unheard of is forgotten first. */
const MAX_CALLERS = 10_000;

export interface Spent {
  readonly allowed: boolean;
  readonly retryAfterMs: number;
  readonly headers: readonly (readonly [string, string])[];
}

/**
 * The exact limit, one bucket a caller. In memory only: the bundle's schema sees to it that a
 * bucket is full again sooner than a quiet relay falls asleep.
 */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();

  /** Takes one request off the caller's budget. `now` in Unix ms. */
  spend(
    subject: string,
    rate: { readonly perSecond: number; readonly burst: number },
    now: number,
  ): Spent {
    const policy = { capacity: rate.burst, perSecond: rate.perSecond };
    const verdict = takeToken(this.#buckets.get(subject), policy, now);
    // Taken out and put back: the order of a Map is then that of last use.
    this.#buckets.delete(subject);
    this.#buckets.set(subject, verdict.bucket);
    if (this.#buckets.size > MAX_CALLERS) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    const { allowed, retryAfterMs } = verdict;
    return { allowed, retryAfterMs, headers: rateHeaders(verdict, policy) };
  }
}
