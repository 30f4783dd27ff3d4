/**
 * How far the webhooks of one hour have come. Pure: bytes in, bytes out.
 *
 * Rows of a table are only ever added at its end, so a webhook is named by its place among them: a
 * bit says that it is settled. Written down whole once in a while; what is lost with a relay that
 * dies in between is sent again, and the core knows it.
 */
import * as z from "zod/mini";
import { jsonOrUndefined } from "../../../shared/json.ts";

export interface Postponed {
  readonly attempts: number;
  /** Unix ms. */
  readonly nextAt: number;
}

/** As a row holds it. */
export interface KeptProgress {
  /** Bit `n % 8` of byte `n / 8`: the webhook at place `n`. */
  readonly settled: Uint8Array<ArrayBuffer>;
  readonly postponed: string;
}

/**
 * More are not written down: they start to count their attempts anew after a relay has died. One of
 * the hour's row, 40 bytes each, stays far below the 2 MB of a row.
 */
const MAX_POSTPONED = 2_000;

const Kept = z.array(z.tuple([z.int(), z.int(), z.number()]));

export class Progress {
  #bits: Uint8Array<ArrayBuffer>;
  #settled = 0;
  readonly #postponed = new Map<number, Postponed>();
  /** Changed since it was last written down. */
  dirty = false;

  constructor(kept?: KeptProgress) {
    this.#bits = kept?.settled ?? new Uint8Array(0);
    for (const byte of this.#bits) {
      for (let rest = byte; rest > 0; rest >>= 1) this.#settled += rest & 1;
    }
    const postponed = Kept.safeParse(jsonOrUndefined(kept?.postponed ?? "[]"));
    // What cannot be read costs nothing but the count of attempts.
    for (const [ordinal, attempts, nextAt] of postponed.data ?? []) {
      this.#postponed.set(ordinal, { attempts, nextAt });
    }
  }

  /** How many are settled. */
  get settled(): number {
    return this.#settled;
  }

  isSettled(ordinal: number): boolean {
    return ((this.#bits[ordinal >> 3] ?? 0) & (1 << (ordinal & 7))) !== 0;
  }

  postponedAt(ordinal: number): Postponed | undefined {
    return this.#postponed.get(ordinal);
  }

  settle(ordinal: number): void {
    if (this.isSettled(ordinal)) return;
    const at = ordinal >> 3;
    if (at >= this.#bits.length) {
      const longer = new Uint8Array(Math.max(at + 1, this.#bits.length * 2, 64));
      longer.set(this.#bits);
      this.#bits = longer;
    }
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (ordinal & 7));
    this.#settled += 1;
    this.#postponed.delete(ordinal);
    this.dirty = true;
  }

  postpone(ordinal: number, postponed: Postponed): void {
    this.#postponed.set(ordinal, postponed);
    this.dirty = true;
  }

  /** For a row to hold. */
  get kept(): KeptProgress {
    const postponed = [...this.#postponed].slice(0, MAX_POSTPONED);
    return {
      settled: this.#bits,
      postponed: JSON.stringify(
        postponed.map(([ordinal, { attempts, nextAt }]) => [ordinal, attempts, nextAt]),
      ),
    };
  }
}
