/** What the core itself turns away: at its own port, and of what the edge leaves it to verify. */
import type { Logger } from "pino";
import type { NotAdmitted } from "../../shared/ingress/admission.ts";
import type { RefusalReason } from "../../shared/ingress/scheme.ts";

/** Why a webhook was turned away: for people, never for its sender. */
export type Fault =
  | NotAdmitted
  | RefusalReason
  | "method"
  | "content_type"
  | "too_large"
  | "slow"
  | "malformed"
  | "rate_limited";

/** A line says the same thing again no more often: strangers decide how often it happens. */
const LOG_MS = 60_000;
/** Routes and reasons told apart: a few reasons of every route there can be. */
const MAX_KINDS = 4_096;
/** What all kinds beyond the limit are counted as. */
const OTHER_ROUTE = "*";

const UNPROVEN = "webhook refused: its sender is not who it should be";
const SENTENCES = {
  address: "webhook refused: it comes from an address that its route does not take",
  country:
    "webhook refused: its route takes some countries only, and at our own port nobody knows where it comes from",
  missing_header: UNPROVEN,
  bad_format: UNPROVEN,
  stale: UNPROVEN,
  future: UNPROVEN,
  mismatch: UNPROVEN,
  unknown_key: UNPROVEN,
  method: "webhook refused: its route takes no such method",
  content_type: "webhook refused: its route takes no such body",
  too_large: "webhook refused: its body is longer than its route takes",
  slow: "webhook refused: its body took too long",
  malformed: "webhook refused: its body is not what the route takes",
  rate_limited: "webhook refused: more than its route takes",
} as const satisfies Record<Fault, string>;

interface Tally {
  total: number;
  unlogged: number;
  loggedAt: number;
}

/** Counts since the start of the process. */
export class Refusals {
  readonly #tallies = new Map<string, Tally>();
  readonly #log: Logger;
  readonly #now: () => number;

  constructor(log: Logger, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** @param facts - For the log; what strangers wrote is not among them. */
  note(route: string, reason: Fault, facts: { requestId: string; header?: string }): void {
    const tally = this.#tallyOf(route, reason);
    tally.total += 1;
    tally.unlogged += 1;
    const now = this.#now();
    if (now - tally.loggedAt < LOG_MS) return;
    this.#log.warn({ route, reason, ...facts, count: tally.unlogged }, SENTENCES[reason]);
    tally.unlogged = 0;
    tally.loggedAt = now;
  }

  /** By `<route> <reason>`, as relays count theirs. */
  counts(): ReadonlyMap<string, number> {
    return new Map([...this.#tallies].map(([key, { total }]) => [key, total]));
  }

  #tallyOf(route: string, reason: Fault): Tally {
    const key = `${route} ${reason}`;
    const known = this.#tallies.get(key);
    if (known !== undefined) return known;
    if (this.#tallies.size >= MAX_KINDS && route !== OTHER_ROUTE) {
      return this.#tallyOf(OTHER_ROUTE, reason);
    }
    const tally = { total: 0, unlogged: 0, loggedAt: -Infinity };
    this.#tallies.set(key, tally);
    return tally;
  }
}
