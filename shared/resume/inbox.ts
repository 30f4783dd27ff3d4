import type { Range } from "./record.ts";
import { Ranges } from "./ranges.ts";

/** Messages that nobody is done with yet: far more than a peer may have under way. */
const MAX_OPEN = 2_048;

/**
 * What becomes of a message that came: `new`, `kept` (known and not dealt with: its receipt
 * replaces the one before), `spent` (dealt with already), `missing` (one before it never came).
 */
export type Arrival = "new" | "kept" | "spent" | "missing";

/** What was known of the peer's messages when a session was last written down. */
export interface History {
  readonly received: number;
  readonly beyond: readonly Range[];
}

/**
 * Which of the peer's messages have come and are dealt with. *Settled* is what is dealt with as
 * soon as the peer has what we said until then; *final* is what stays so whatever happens. Pure.
 *
 * @typeParam R - What is used once to say that a message is dealt with.
 */
export class Inbox<R> {
  readonly #open = new Map<number, { settled: boolean; receipt: R | undefined }>();
  readonly #beyond = new Ranges();
  /** Of a session whose memory is gone: until the peer tells, any number may be the next. */
  #history: History | undefined;
  #final = 0;
  #through = 0;
  #last = 0;

  /** @param history - Of a session that another process began. */
  constructor(history?: History) {
    this.#history = history;
  }

  /** Settled without a hole up to this one. */
  get received(): number {
    return this.#through;
  }

  get last(): number {
    return this.#last;
  }

  /** Final without a hole, and what is final beyond. */
  get history(): History {
    return this.#history ?? { received: this.#final, beyond: this.#beyond.list };
  }

  /** @param anew - The connection is another, so that a message may come for the second time. */
  accept(number: number, receipt: R, anew: boolean): Arrival {
    if (this.#isFinal(number)) return "spent";
    const known = this.#open.get(number);
    if (known !== undefined) {
      if (known.settled && !anew) return "spent";
      known.receipt = receipt;
      return "kept";
    }
    if (this.#open.size >= MAX_OPEN) return "missing";
    if (this.#history === undefined && number !== this.#last + 1) return "missing";
    this.#last = number;
    this.#open.set(number, { settled: false, receipt });
    return "new";
  }

  /** @returns The receipt to say so with, if there is one for this connection. */
  settle(number: number): R | undefined {
    const known = this.#open.get(number);
    if (known === undefined) return undefined;
    const { receipt } = known;
    this.#open.set(number, { settled: true, receipt: undefined });
    this.#advance();
    return receipt;
  }

  /** @returns Its receipt, when it has not been used. */
  finish(number: number): R | undefined {
    const known = this.#open.get(number);
    if (known === undefined) return undefined;
    this.#open.delete(number);
    this.#beyond.add(number, number);
    this.#raise();
    return known.receipt;
  }

  /** The connection is gone, and the receipts with it. */
  dropReceipts(): void {
    for (const [number, { settled }] of this.#open) {
      this.#open.set(number, { settled, receipt: undefined });
    }
  }

  /** What we said is said again: all that is not final is to be dealt with again by that. */
  revoke(): void {
    for (const [number, { receipt }] of this.#open) {
      this.#open.set(number, { settled: false, receipt });
    }
    this.#through = this.#final;
    this.#advance();
  }

  /**
   * The peer has told what it knows: of what it has sent, all that did not come again is done.
   *
   * @returns False when that cannot be.
   */
  adopt({ from: base, to: last }: Range): boolean {
    if (this.#history === undefined) return last <= this.#last;
    const open = [...this.#open.keys()].toSorted((a, b) => a - b);
    if (last < base || open.some((number) => number > last || number <= base)) return false;
    this.#history = undefined;
    this.#final = base;
    this.#last = last;
    let from = base + 1;
    for (const number of open) {
      this.#beyond.add(from, number - 1);
      from = number + 1;
    }
    this.#beyond.add(from, last);
    this.#raise();
    return true;
  }

  #isFinal(number: number): boolean {
    const { received, beyond } = this.#history ?? { received: this.#final, beyond: [] };
    const isKnown =
      number <= received || beyond.some(({ from, to }) => from <= number && number <= to);
    return isKnown || this.#beyond.has(number);
  }

  #raise(): void {
    if (this.#history !== undefined) return;
    this.#final = this.#beyond.raise(this.#final);
    this.#through = Math.max(this.#through, this.#final);
    this.#advance();
  }

  /** By whole ranges: how long those are, the peer decides. */
  #advance(): void {
    if (this.#history !== undefined) return;
    for (;;) {
      const next = this.#through + 1;
      const end = this.#open.get(next)?.settled === true ? next : this.#beyond.endOf(next);
      if (end === undefined) return;
      this.#through = end;
    }
  }
}
