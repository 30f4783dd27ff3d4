import { LIMITS } from "../../shared/limits.ts";

/**
 * Requests that wait for a core to come back, unsent. Each has a client waiting for it, which keeps
 * the relay awake anyway, so their timers cost nothing.
 */
export class Lobby {
  readonly #waiting = new Set<() => void>();

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Waits until somebody calls `open`, at most until `until` (Unix ms), and no longer than the
   * client does.
   *
   * @returns False when there is no point in looking again.
   */
  async wait(until: number, now: number, client: AbortSignal): Promise<boolean> {
    if (until <= now || client.aborted || this.#waiting.size >= LIMITS.maxParked) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const go = (): void => resolve(true);
    const leave = (): void => resolve(false);
    this.#waiting.add(go);
    // oxlint-disable-next-line no-restricted-globals -- see above; cleared below
    const timer = setTimeout(leave, until - now);
    client.addEventListener("abort", leave, { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      client.removeEventListener("abort", leave);
      this.#waiting.delete(go);
    }
  }

  /** A core is there: everybody looks again. */
  open(): void {
    for (const go of this.#waiting) go();
  }
}
