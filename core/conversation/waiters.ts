import type { WebhookAnswer } from "../store/webhook.ts";

/** The right, and from then on the duty, to answer somebody who waits. */
export interface Claim {
  /** The reply as they want it. */
  answerOf(text: string): WebhookAnswer;
  /** To be called once the answer is committed. */
  settle(answer: WebhookAnswer): void;
}

interface Waiter {
  readonly format: (text: string) => WebhookAnswer;
  readonly resolve: (answer: WebhookAnswer | undefined) => void;
  readonly cancel: AbortController;
}

/** Waits, and comes back early when `signal` aborts. */
type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

/** Once somebody has promised the answer it is only a commit away. */
const COMMIT_MS = 200;

/**
 * Senders that are still on the line, by the inbox item they wait for. One of them is answered
 * instead of a conversation: so whoever ends an item asks here first, and there is no moment in
 * which the reply could go both ways, or neither.
 */
export class Waiters {
  readonly #wait: Wait;
  readonly #waiting = new Map<string, Waiter>();
  #isOver = false;

  constructor(wait: Wait) {
    this.#wait = wait;
  }

  /**
   * The answer to an item, undefined when it takes longer than `ms`. To be called before the item
   * is kept: it may end at any time after. One waiter an item; of more the last counts.
   *
   * @param format - Makes the answer of a reply.
   */
  async answerTo(
    item: string,
    ms: number,
    format: (text: string) => WebhookAnswer,
  ): Promise<WebhookAnswer | undefined> {
    if (this.#isOver) return undefined;
    const { promise, resolve } = Promise.withResolvers<WebhookAnswer | undefined>();
    const cancel = new AbortController();
    this.giveUp(item);
    const waiter = { format, resolve, cancel };
    this.#waiting.set(item, waiter);
    await Promise.race([promise, this.#wait(Math.max(0, ms), cancel.signal)]);
    if (this.#waiting.get(item) === waiter) {
      this.giveUp(item);
      return promise;
    }
    // Claimed in time, or over.
    await Promise.race([promise, this.#wait(COMMIT_MS, cancel.signal)]);
    cancel.abort();
    resolve(undefined);
    return promise;
  }

  /** Nobody waits for this item any more. */
  giveUp(item: string): void {
    const waiter = this.#waiting.get(item);
    this.#waiting.delete(item);
    waiter?.cancel.abort();
    waiter?.resolve(undefined);
  }

  /** Nobody is answered here any more: what has not ended by now is for whoever works here next. */
  end(): void {
    this.#isOver = true;
    for (const item of this.#waiting.keys()) this.giveUp(item);
  }

  /** Undefined: nobody waits, or not any more. */
  claim(item: string): Claim | undefined {
    const waiter = this.#waiting.get(item);
    if (waiter === undefined) return undefined;
    this.#waiting.delete(item);
    return {
      answerOf: waiter.format,
      settle(answer) {
        waiter.resolve(answer);
        waiter.cancel.abort();
      },
    };
  }
}
