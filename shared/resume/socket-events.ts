/** The connection has been lost and is back; nothing was lost with it. */
export class ResumedEvent extends Event {
  /** Milliseconds without a connection. */
  readonly awayMs: number;

  constructor(awayMs: number) {
    super("resumed");
    this.awayMs = awayMs;
  }
}

/**
 * The connection is back, but the other side knows nothing of what was before: the application
 * begins anew, as after `open`. What had been sent and not acknowledged may have arrived or not.
 */
export class FreshEvent extends Event {
  /** Messages of ours of which it is not known whether they arrived. */
  readonly unconfirmed: number;

  constructor(unconfirmed: number) {
    super("fresh");
    this.unconfirmed = unconfirmed;
  }
}

/** As `CloseEvent`, which not every runtime has. */
export class ClosedEvent extends Event {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;

  constructor(code: number, reason: string, wasClean: boolean) {
    super("close");
    this.code = code;
    this.reason = reason;
    this.wasClean = wasClean;
  }
}
