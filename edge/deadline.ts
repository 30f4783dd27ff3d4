/** Thrown by `within`: the work may still be under way, but nobody waits for it any more. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** What to do while work takes its time. */
export interface Watch {
  readonly afterMs: number;
  onSlow(): void;
}

/**
 * What `work` gives, unless that takes longer than `ms`.
 *
 * @param watch - Told once when the work is not done after its time, if that is before the end.
 * @throws DeadlineError when it takes longer.
 */
export async function within<T>(work: Promise<T>, ms: number, watch?: Watch): Promise<T> {
  const late = Promise.withResolvers<never>();
  const expire = (): void => late.reject(new DeadlineError(`not done in ${ms} ms`));
  // One timer after the other: on the path of every request each costs 5 µs, and
  // AbortSignal.timeout(), which cannot be taken back, 25.
  const slow = watch !== undefined && watch.afterMs < ms ? watch : undefined;
  const first = slow?.afterMs ?? ms;
  // For requests of the Worker, which never sleeps while it has one.
  // oxlint-disable-next-line no-restricted-globals -- see above; cleared below
  let timer = setTimeout(() => {
    if (slow === undefined) {
      expire();
      return;
    }
    // oxlint-disable-next-line no-restricted-globals -- see above; cleared below
    timer = setTimeout(expire, ms - first);
    slow.onSlow();
  }, first);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
