import * as z from "zod/mini";
import type { RefusalCount } from "../relay-call.ts";

const Count = z.int().check(z.nonnegative());

/** What a core's socket carries of it through a sleep. */
export const KeptWebhookStats = z.object({
  accepted: Count,
  duplicates: Count,
  spooledTotal: Count,
  /** By `route reason`. */
  refused: z.record(z.string(), Count),
});
export type KeptWebhookStats = z.output<typeof KeptWebhookStats>;

/** Pairs of route and reason told apart; what is one more is counted as `* other`. */
const MAX_REFUSED = 256;
/** Of these, the highest that a socket carries: a hundred bytes each of its 16 KiB. */
const MAX_KEPT = 24;
const OTHER = "* other";
const MAX_NAME = 96;

/** Counts of webhooks since the relay was last without memory and without a core. */
export class WebhookStats {
  accepted: number;
  duplicates: number;
  spooledTotal: number;
  readonly #refused: Map<string, number>;

  /** @param kept - What sockets have brought through a sleep: the highest is the last. */
  constructor(kept: readonly KeptWebhookStats[]) {
    const newest = kept.toSorted((a, b) => b.accepted - a.accepted)[0];
    this.accepted = newest?.accepted ?? 0;
    this.duplicates = newest?.duplicates ?? 0;
    this.spooledTotal = newest?.spooledTotal ?? 0;
    this.#refused = new Map(Object.entries(newest?.refused ?? {}));
  }

  /** Adds what an isolate has turned away. */
  refuse(counts: readonly RefusalCount[]): void {
    for (const { route, reason, count } of counts.slice(0, MAX_REFUSED)) {
      const name = `${route} ${reason}`.slice(0, MAX_NAME);
      const isRoom = this.#refused.has(name) || this.#refused.size < MAX_REFUSED;
      const key = isRoom ? name : OTHER;
      this.#refused.set(key, (this.#refused.get(key) ?? 0) + count);
    }
  }

  /** By `route reason`, the highest first. */
  refused(most: number = MAX_REFUSED + 1): Record<string, number> {
    const sorted = [...this.#refused].toSorted(([, a], [, b]) => b - a);
    return Object.fromEntries(sorted.slice(0, most));
  }

  get kept(): KeptWebhookStats {
    const { accepted, duplicates, spooledTotal } = this;
    return { accepted, duplicates, spooledTotal, refused: this.refused(MAX_KEPT) };
  }
}
