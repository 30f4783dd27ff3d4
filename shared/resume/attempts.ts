import { backoffMs } from "../backoff.ts";
import { CloseCode } from "../close-code.ts";

/** A relay is back within seconds, and the first to come back finds it. */
const BACKOFF = { baseMs: 100, maxMs: 3_000 };
/** Doubled no further: the ceiling is reached long before. */
const MAX_EXPONENT = 10;

/** After these, coming back would end the same way. */
const FINAL_CODES: ReadonlySet<number> = new Set([
  CloseCode.protocolError,
  CloseCode.unsupportedData,
  1007,
  CloseCode.policy,
  CloseCode.tooBig,
]);

/** Whether a connection that ended with `code`, and not by the application's will, is worth another. */
export function isWorthRetrying(code: number): boolean {
  return !FINAL_CODES.has(code) && code < 4_000;
}

/** When to connect again. Pure. */
export class Attempts {
  readonly #giveUpAfterMs: number;
  readonly #random: () => number;
  #lostAt: number | undefined;
  #count = 0;

  constructor(giveUpAfterMs: number, random: () => number) {
    this.#giveUpAfterMs = giveUpAfterMs;
    this.#random = random;
  }

  /** @returns Milliseconds to wait; undefined when it is time to give up. */
  next(now: number): number | undefined {
    this.#lostAt ??= now;
    if (now - this.#lostAt >= this.#giveUpAfterMs) return undefined;
    const waitMs = backoffMs(Math.min(this.#count, MAX_EXPONENT), this.#random, BACKOFF);
    this.#count += 1;
    return waitMs;
  }

  /** Connected. @returns How long it was not, in milliseconds. */
  succeeded(now: number): number {
    const awayMs = now - (this.#lostAt ?? now);
    this.#lostAt = undefined;
    this.#count = 0;
    return awayMs;
  }
}
