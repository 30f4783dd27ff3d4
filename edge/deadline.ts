/** Thrown by `within`: the work may still be under way, but nobody waits for it any more. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** What `work` gives, unless that takes longer than `ms`. @throws DeadlineError when it does. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  // For requests of the Worker, which never sleeps while it has one. On the path of every request
  // this costs 5 µs, and AbortSignal.timeout(), which cannot be taken back, 25.
  // oxlint-disable-next-line no-restricted-globals -- see above; cleared below
  const timer = setTimeout(() => late.reject(new DeadlineError(`not done in ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
