/** Thrown by `within`: the work may still be under way, but nobody waits for it any more. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** What `work` gives, unless that takes longer than `ms`. @throws DeadlineError when it does. */
export function within<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new DeadlineError(`not done within ${ms} ms`));
    AbortSignal.timeout(ms).addEventListener("abort", late, { once: true });
    work.then(resolve, reject);
  });
}
