/** The arithmetic of a token bucket. Pure: no clock, no storage. */

export interface BucketPolicy {
  /** Tokens in a full bucket: the largest burst. */
  readonly capacity: number;
  /** Tokens that come back each second. */
  readonly perSecond: number;
}

/** What has to be remembered of a caller. One that was never seen has a full bucket. */
export interface Bucket {
  readonly tokens: number;
  /** Unix ms. */
  readonly at: number;
}

export interface Verdict {
  readonly allowed: boolean;
  /** The bucket after this call: to be remembered in place of the one before. */
  readonly bucket: Bucket;
  /** Whole calls left. */
  readonly remaining: number;
  /** Until the bucket is full again, and need not be remembered. */
  readonly resetMs: number;
  /** Until the next call would be allowed; 0 when this one was. */
  readonly retryAfterMs: number;
}

/** Takes one token if there is one. A clock that went back gives nothing and costs nothing. */
export function takeToken(
  bucket: Bucket | undefined,
  { capacity, perSecond }: BucketPolicy,
  now: number,
): Verdict {
  const elapsedMs = bucket === undefined ? 0 : Math.max(0, now - bucket.at);
  const before = bucket?.tokens ?? capacity;
  const tokens = Math.min(capacity, before + (elapsedMs * perSecond) / 1000);
  const allowed = tokens >= 1;
  const left = allowed ? tokens - 1 : tokens;
  return {
    allowed,
    bucket: { tokens: left, at: Math.max(now, bucket?.at ?? now) },
    remaining: Math.floor(left),
    resetMs: ((capacity - left) / perSecond) * 1000,
    retryAfterMs: allowed ? 0 : ((1 - left) / perSecond) * 1000,
  };
}

/** The headers most clients know, in whole seconds, rounded up so that nobody comes too early. */
export function rateHeaders(verdict: Verdict, policy: BucketPolicy): [string, string][] {
  return [
    ["ratelimit-limit", String(policy.capacity)],
    ["ratelimit-remaining", String(verdict.remaining)],
    ["ratelimit-reset", String(Math.ceil(verdict.resetMs / 1000))],
  ];
}
