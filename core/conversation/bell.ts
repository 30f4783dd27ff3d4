/** Tells whoever listens that something has happened; what, they look up themselves. */
export class Bell {
  #next = Promise.withResolvers<void>();

  ring(): void {
    const heard = this.#next;
    this.#next = Promise.withResolvers<void>();
    heard.resolve();
  }

  /** Settles at the next ring, or when `signal` aborts. */
  async heard(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    const end = (): void => resolve();
    signal.addEventListener("abort", end, { once: true });
    await Promise.race([this.#next.promise, aborted]);
    signal.removeEventListener("abort", end);
  }
}
