import type { NotAdmitted } from "../../shared/ingress/admission.ts";
import type { RefusalReason } from "../../shared/ingress/scheme.ts";
import type { RefusalCount } from "../relay-call.ts";
import type { BodyFault } from "./body.ts";

/** Why a webhook was turned away: for people, never for its sender. */
export type Fault =
  | NotAdmitted
  | "method"
  | "content_type"
  | "challenge"
  | RefusalReason
  | BodyFault
  | "malformed";

/** The isolate reports on its own, and says the same thing in the log again, no more often. */
const REPORT_MS = 60_000;
/** Routes and reasons told apart: a few reasons of every route there can be. */
const MAX_KINDS = 1_024;
/** In one report: it rides in a header. */
const MAX_REPORTED = 64;
/** What all kinds beyond the limit are counted as. */
const OTHER_ROUTE = "*";

interface Tally {
  readonly route: string;
  readonly reason: Fault;
  /** Since the last report. */
  unreported: number;
  /** Since the last line. */
  unlogged: number;
  loggedAt: number;
}

/** Counts what this isolate turns away, until the relay is told. */
export class Refusals {
  readonly #tallies = new Map<string, Tally>();
  #unreported = 0;
  #reportedAt = -Infinity;

  /** Counts one. @returns How many like it there were since the last line, when one is due. */
  note(route: string, reason: Fault, now: number): number | undefined {
    const tally = this.#tallyOf(route, reason);
    tally.unreported += 1;
    tally.unlogged += 1;
    this.#unreported += 1;
    if (now - tally.loggedAt < REPORT_MS) return undefined;
    const count = tally.unlogged;
    tally.unlogged = 0;
    tally.loggedAt = now;
    return count;
  }

  /** Takes what a report may hold; undefined when there is nothing to tell. */
  take(): readonly RefusalCount[] | undefined {
    if (this.#unreported === 0) return undefined;
    const taken: RefusalCount[] = [];
    for (const tally of this.#tallies.values()) {
      if (taken.length === MAX_REPORTED) break;
      const { route, reason, unreported: count } = tally;
      if (count === 0) continue;
      taken.push({ route, reason, count });
      tally.unreported = 0;
      this.#unreported -= count;
    }
    return taken;
  }

  /** The same for a report of its own; undefined while it is too early for one, too. */
  takeIfDue(now: number): readonly RefusalCount[] | undefined {
    if (now - this.#reportedAt < REPORT_MS) return undefined;
    const taken = this.take();
    if (taken !== undefined) this.#reportedAt = now;
    return taken;
  }

  #tallyOf(route: string, reason: Fault): Tally {
    const key = `${route} ${reason}`;
    const known = this.#tallies.get(key);
    if (known !== undefined) return known;
    if (this.#tallies.size >= MAX_KINDS) this.#forget();
    if (this.#tallies.size >= MAX_KINDS && route !== OTHER_ROUTE) {
      return this.#tallyOf(OTHER_ROUTE, reason);
    }
    const tally = { route, reason, unreported: 0, unlogged: 0, loggedAt: -Infinity };
    this.#tallies.set(key, tally);
    return tally;
  }

  /** Routes come and go; what was told of them need not be kept. */
  #forget(): void {
    for (const [key, { unreported }] of this.#tallies) {
      if (unreported === 0) this.#tallies.delete(key);
    }
  }
}
