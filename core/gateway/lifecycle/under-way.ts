/** Counts what is under way, for whoever has to wait for its end. */
export class UnderWay {
  #count = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  begin(): void {
    this.#count += 1;
  }

  /** Once for each `begin`. */
  end(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#idle?.resolve();
  }

  /** Resolves when nothing is under way, or `deadlineMs` have passed. */
  async ended(deadlineMs: number): Promise<void> {
    if (this.#count === 0) return;
    this.#idle ??= Promise.withResolvers();
    const { promise, resolve } = this.#idle;
    const timer = setTimeout(resolve, deadlineMs);
    await promise;
    clearTimeout(timer);
    this.#idle = undefined;
  }
}
