import { GatewayError } from "../../shared/errors.ts";
import { REQUEST_LIFE_MS } from "./requests.ts";

export type Decision = "approved" | "rejected" | "expired";

interface Decided {
  readonly deviceId: string;
  readonly decision: Decision;
}

/** Decisions that are remembered for whoever asks late; the oldest go. */
const MAX_REMEMBERED = 256;
/** Calls that wait at once: a device waits with one or two. */
const MAX_WAITING = 256;

/** What became of pairing requests, for those who wait for it. */
export class Decisions {
  readonly #decided = new Map<string, Decided>();
  readonly #waiting = new Set<(requestId: string) => void>();

  note(requestId: string, deviceId: string, decision: Decision): void {
    this.#decided.set(requestId, { deviceId, decision });
    const [oldest] = this.#decided.keys();
    if (this.#decided.size > MAX_REMEMBERED && oldest !== undefined) this.#decided.delete(oldest);
    for (const look of this.#waiting) look(requestId);
  }

  /**
   * @param how.isOpen - Whether it may still be decided.
   * @returns Undefined: of this device there is no such request, or `signal` aborted.
   * @throws GatewayError overloaded, which says nothing of the request.
   */
  async wait(
    requestId: string,
    deviceId: string,
    { isOpen, signal }: { readonly isOpen: boolean; readonly signal: AbortSignal },
  ): Promise<Decision | undefined> {
    if (isOpen && !this.#decided.has(requestId)) await this.#next(requestId, signal);
    const found = this.#decided.get(requestId);
    if (found !== undefined) return found.deviceId === deviceId ? found.decision : undefined;
    return isOpen && !signal.aborted ? "expired" : undefined;
  }

  /** Resolves when it is decided, can be decided no more, or nobody listens. */
  async #next(requestId: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (this.#waiting.size >= MAX_WAITING) {
      throw new GatewayError("overloaded", "Too many calls wait for a decision");
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (id: string): void => {
      if (id === requestId) resolve();
    };
    const stop = (): void => resolve();
    const timer = setTimeout(stop, REQUEST_LIFE_MS).unref();
    signal.addEventListener("abort", stop, { once: true });
    this.#waiting.add(look);
    await promise;
    this.#waiting.delete(look);
    signal.removeEventListener("abort", stop);
    clearTimeout(timer);
  }
}
