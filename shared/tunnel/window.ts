/**
 * Credit, counted in absolute byte offsets as QUIC does (RFC 9000 section 4.1): a grant that is
 * repeated or arrives late grants nothing twice.
 */

/** How much may still be sent. */
export class SendWindow {
  #sent: number;
  #limit: number;
  #widest: number;

  constructor(limit: number, sent = 0) {
    this.#limit = limit;
    this.#sent = sent;
    this.#widest = limit - sent;
  }

  /** The most that was ever available: how much the peer gives when its readers keep up. */
  get widest(): number {
    return this.#widest;
  }

  get sent(): number {
    return this.#sent;
  }

  get limit(): number {
    return this.#limit;
  }

  get available(): number {
    return this.#limit - this.#sent;
  }

  /** @throws RangeError when more is taken than is there: our own mistake. */
  take(bytes: number): void {
    if (bytes > this.available) throw new RangeError(`took ${bytes} of ${this.available}`);
    this.#sent += bytes;
  }

  /** A grant from the peer; one that is lower than an earlier one changes nothing. */
  grant(limit: number): void {
    this.#limit = Math.max(this.#limit, limit);
    this.#widest = Math.max(this.#widest, this.available);
  }
}

/** A window that is used up within this time is too small for the path: it is doubled. */
const FAST_MS = 100;

export interface ReceiveWindowState {
  readonly received: number;
  readonly consumed: number;
  readonly limit: number;
  readonly size: number;
}

/** How much the peer may still send, and when to tell it of more. */
export class ReceiveWindow {
  #received: number;
  #consumed: number;
  #limit: number;
  #size: number;
  readonly #maxSize: number;
  #grantedAt = 0;

  /** @param maxSize - The window may grow to this when the reader keeps up. */
  constructor(size: number, maxSize = size, state?: ReceiveWindowState) {
    this.#size = state?.size ?? size;
    this.#maxSize = maxSize;
    this.#limit = state?.limit ?? size;
    this.#received = state?.received ?? 0;
    this.#consumed = state?.consumed ?? 0;
  }

  get state(): ReceiveWindowState {
    return {
      received: this.#received,
      consumed: this.#consumed,
      limit: this.#limit,
      size: this.#size,
    };
  }

  /** What the peer may send ahead of the reader. */
  get size(): number {
    return this.#size;
  }

  /** Received and not yet consumed: what we hold in memory for the reader. */
  get held(): number {
    return this.#received - this.#consumed;
  }

  /** False when the peer sent more than it was allowed: a protocol error. */
  receive(bytes: number): boolean {
    if (this.#received + bytes > this.#limit) return false;
    this.#received += bytes;
    return true;
  }

  /**
   * The reader took `bytes`.
   *
   * @param now - Milliseconds of any steady clock.
   * @returns The new limit to grant, or undefined while half the window is still open.
   */
  consume(bytes: number, now: number): number | undefined {
    this.#consumed += bytes;
    if (this.#limit - this.#consumed > this.#size / 2) return undefined;
    const fast = this.#grantedAt !== 0 && now - this.#grantedAt < FAST_MS;
    if (fast) this.#size = Math.min(this.#size * 2, this.#maxSize);
    this.#grantedAt = now;
    this.#limit = this.#consumed + this.#size;
    return this.#limit;
  }
}
