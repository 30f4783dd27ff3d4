import { expect, test } from "vitest";
import { type Bucket, rateHeaders, takeToken } from "./token-bucket.ts";

const policy = { capacity: 3, perSecond: 2 };

/** Takes at each of the times and tells which were allowed. */
function takeAt(times: readonly number[], start?: Bucket): boolean[] {
  let bucket = start;
  return times.map((now) => {
    const verdict = takeToken(bucket, policy, now);
    bucket = verdict.bucket;
    return verdict.allowed;
  });
}

test("a caller never seen may use the whole burst, and not one more", () => {
  expect(takeAt([0, 0, 0, 0])).toEqual([true, true, true, false]);
});

test("tokens come back at the rate of the policy", () => {
  expect(takeAt([0, 0, 0, 499, 500, 501, 1000])).toEqual([
    true,
    true,
    true,
    false,
    true,
    false,
    true,
  ]);
});

test("a long rest fills the bucket to its capacity and no further", () => {
  expect(takeAt([0, 1e9, 1e9, 1e9, 1e9])).toEqual([true, true, true, true, false]);
});

test("a clock that goes back gives no tokens and takes none away", () => {
  expect(takeAt([10_000, 10_000, 10_000, 0, 0, 10_500])).toEqual([
    true,
    true,
    true,
    false,
    false,
    true,
  ]);
});

test("refused calls cost nothing, so who keeps trying is let in as soon as who waits", () => {
  const many = Array.from({ length: 50 }, (_, index) => index * 10);
  expect(takeAt([0, 0, 0, ...many, 500]).at(-1)).toBe(true);
});

test("the verdict says how many are left, when it is full again and when to come back", () => {
  const first = takeToken(undefined, policy, 0);
  expect(first).toMatchObject({ remaining: 2, resetMs: 500, retryAfterMs: 0 });
  const empty = takeToken({ tokens: 0.5, at: 0 }, policy, 0);
  expect(empty).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 250, resetMs: 1250 });
  const later = takeToken(empty.bucket, policy, empty.retryAfterMs);
  expect(later.allowed).toBe(true);
});

test("headers are whole seconds, rounded up", () => {
  const verdict = takeToken({ tokens: 1, at: 0 }, policy, 0);
  expect(Object.fromEntries(rateHeaders(verdict, policy))).toEqual({
    "ratelimit-limit": "3",
    "ratelimit-remaining": "0",
    "ratelimit-reset": "2",
  });
});
