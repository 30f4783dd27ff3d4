import { LIMITS } from "../../../shared/limits.ts";

/** Silence is measured in pieces of this length. */
const PIECE_MS = 250;
/** One that took this much longer is not counted: nobody listened, and the answer may be here already. */
const DEAF_MS = 250;
/** On a machine that is never less busy, a connection is given up all the same, half a minute later at least. */
const MAX_DEAF = 60;

export interface HeartbeatOptions {
  /** Says that we are there. The edge's runtime answers by itself and wakes no relay for it. */
  send(): void;
  /** No answer in time: the connection is dead, whatever the socket says. */
  onSilence(): void;
  /** Milliseconds of a steady clock. */
  now(): number;
}

/** Says that we are there, expects to hear the same, and takes the time of that round trip. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  /** When those that wait for their answer were sent; answers come in order. */
  #sent: number[] = [];
  #waiting: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #rttMs: number | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  get beating(): boolean {
    return this.#timer !== undefined;
  }

  /** The last round trip; undefined before the first. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  /** The first beat at once, so that the round trip is known. */
  start(): void {
    this.#schedule();
    this.probe(LIMITS.heartbeatTimeoutMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#clear();
  }

  /** One beat now, which must be answered within `timeoutMs` of time in which we can hear. */
  probe(timeoutMs: number): void {
    clearTimeout(this.#silence);
    this.#listen(timeoutMs, MAX_DEAF);
    this.#sent.push(this.#options.now());
    this.#options.send();
  }

  /** Resolves when the round trip has been measured anew, or the connection is over. */
  measure(): Promise<void> {
    if (!this.beating) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers();
    const { promise } = this.#waiting;
    this.probe(LIMITS.heartbeatTimeoutMs);
    return promise;
  }

  answered(): void {
    const sentAt = this.#sent.shift();
    if (sentAt !== undefined) this.#rttMs = this.#options.now() - sentAt;
    if (this.#sent.length === 0) this.#clear();
  }

  #listen(leftMs: number, maxDeaf: number): void {
    const pieceMs = Math.min(PIECE_MS, leftMs);
    const since = this.#options.now();
    this.#silence = setTimeout(() => {
      const lateMs = this.#options.now() - since - pieceMs;
      if (lateMs >= DEAF_MS && maxDeaf > 0) this.#listen(leftMs, maxDeaf - 1);
      else if (leftMs > pieceMs) this.#listen(leftMs - pieceMs, maxDeaf);
      else this.#options.onSilence();
    }, pieceMs);
  }

  #clear(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
    this.#sent = [];
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** Spread, so that cores do not beat as one. */
  #schedule(): void {
    const spread = 0.8 + Math.random() * 0.4;
    this.#timer = setTimeout(() => {
      if (this.#sent.length === 0) this.probe(LIMITS.heartbeatTimeoutMs);
      this.#schedule();
    }, LIMITS.heartbeatMs * spread);
  }
}
