import { LIMITS } from "../../../shared/limits.ts";

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

  /** One beat now, which must be answered within `timeoutMs`. */
  probe(timeoutMs: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#options.onSilence(), timeoutMs);
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
