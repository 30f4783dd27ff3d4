import { GatewayError } from "../../../shared/errors.ts";

/** Writes of one caller. Source: OpenClaw's limit for writes of its control plane. */
const MAX_WRITES = 30;
const WINDOW_MS = 60_000;
/** Callers that are remembered: those of the last minute. */
const MAX_CALLERS = 1_024;

/** How often who may write. */
export class WriteRate {
  readonly #writes = new Map<string, readonly number[]>();

  /** @throws GatewayError `rate_limited` for one too many. */
  spend(caller: string, method: string, now: number): void {
    const key = `${method}\0${caller}`;
    const recent = (this.#writes.get(key) ?? []).filter((at) => now - at < WINDOW_MS);
    const [oldest] = recent;
    if (recent.length >= MAX_WRITES && oldest !== undefined) {
      const retryAfterMs = oldest + WINDOW_MS - now;
      const seconds = Math.ceil(retryAfterMs / 1_000);
      const message = `rate limit exceeded for ${method}; retry after ${seconds}s`;
      throw new GatewayError("rate_limited", message, { retryAfterMs });
    }
    // Last in the order of the map, so that the first ones are those who were quiet longest.
    this.#writes.delete(key);
    this.#writes.set(key, [...recent, now]);
    const [first] = this.#writes.keys();
    if (this.#writes.size > MAX_CALLERS && first !== undefined) this.#writes.delete(first);
  }
}
