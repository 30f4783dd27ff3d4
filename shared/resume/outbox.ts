/**
 * What one side says, in order, until the other has it: messages, and between them what becomes
 * true once those before have been said. Pure.
 *
 * Said again after a loss of the connection, all of it happens again from the first message that
 * the peer lacks; so an answer, the word that a message is dealt with and the state that goes with
 * both can never part.
 */
import type { Range, RecordType } from "./record.ts";

/** Most that may be said and not acknowledged. One message always may, however long. */
export interface SendWindow {
  readonly messages: number;
  readonly bytes: number;
}

export type Said =
  | {
      readonly kind: "message";
      readonly number: number;
      readonly type: RecordType;
      readonly payload: Uint8Array;
      /** The peer's message that this one answers; undefined for none. */
      readonly answers: number | undefined;
    }
  /** What the core after us needs to know. */
  | { readonly kind: "state"; readonly state: string }
  /** The peer's message is dealt with. */
  | { readonly kind: "done"; readonly answers: number };

/** What an entry costs beside its payload: many small messages are no free ones. */
const ENTRY_BYTES = 64;

export class Outbox {
  readonly #window: SendWindow;
  #items: Said[] = [];
  /** Index of the next item to be said. */
  #cursor = 0;
  /** The peer has all up to this one. */
  #base = 0;
  /** Said on this connection. */
  #sent = 0;
  /** Given to us. */
  #last = 0;
  #underWay = { messages: 0, bytes: 0 };
  #waitingBytes = 0;
  #state: string | undefined;

  constructor(window: SendWindow) {
    this.#window = window;
  }

  get base(): number {
    return this.#base;
  }

  get sent(): number {
    return this.#sent;
  }

  /** What waits to be said for the first time or again. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** All that is kept. */
  get bytes(): number {
    return this.#waitingBytes + this.#underWay.bytes;
  }

  /** Messages that the peer has not acknowledged. */
  get unconfirmed(): number {
    return this.#items.filter(({ kind }) => kind === "message").length;
  }

  /** The state that goes with what the peer has. */
  get state(): string | undefined {
    return this.#state;
  }

  get nextIsState(): boolean {
    return this.#items[this.#cursor]?.kind === "state";
  }

  push(type: RecordType, payload: Uint8Array, answers: number | undefined): void {
    this.#last += 1;
    this.#items.push({ kind: "message", number: this.#last, type, payload, answers });
    this.#waitingBytes += costOf(payload);
  }

  pushDone(answers: number): void {
    this.#items.push({ kind: "done", answers });
  }

  /** Goes with what follows it. Of several with nothing between them, only the newest counts. */
  pushState(state: string): void {
    const at = this.#items.length - 1;
    if (this.#items[at]?.kind === "state") {
      this.#items.pop();
      this.#cursor = Math.min(this.#cursor, at);
    }
    this.#items.push({ kind: "state", state });
  }

  /** The next to be said; undefined when there is none or the window is full. */
  take(): Said | undefined {
    const item = this.#items[this.#cursor];
    if (item === undefined || !this.#fits(item)) return undefined;
    this.#cursor += 1;
    if (item.kind === "message") {
      const cost = costOf(item.payload);
      this.#sent = item.number;
      this.#waitingBytes -= cost;
      this.#underWay.messages += 1;
      this.#underWay.bytes += cost;
    }
    return item;
  }

  /**
   * The peer has all up to `number`.
   *
   * @returns The peer's messages that need never be dealt with again; undefined when it cannot
   *   have what it says.
   */
  acknowledge(number: number): number[] | undefined {
    if (number > this.#sent) return undefined;
    this.#base = Math.max(this.#base, number);
    return this.#prune();
  }

  /** The same for some beyond: an earlier one takes its time. */
  acknowledgeBeyond({ from, to }: Range): number[] {
    const has = (item: Said, index: number): item is Extract<Said, { kind: "message" }> =>
      item.kind === "message" && index < this.#cursor && from <= item.number && item.number <= to;
    const gone: number[] = [];
    let taken = 0;
    this.#items = this.#items.filter((item, index) => {
      if (!has(item, index)) return true;
      this.#release(item.payload);
      if (item.answers !== undefined) gone.push(item.answers);
      taken += 1;
      return false;
    });
    this.#cursor -= taken;
    return gone.concat(this.#prune());
  }

  /** The connection is another: all that the peer has not acknowledged is to be said again. */
  rewind(): void {
    this.#cursor = 0;
    this.#sent = this.#base;
    this.#waitingBytes += this.#underWay.bytes;
    this.#underWay = { messages: 0, bytes: 0 };
  }

  /** What was said before us ended with `number`. Only before anything was taken. */
  start(number: number): void {
    const shift = number - this.#base;
    this.#base = number;
    this.#sent = number;
    this.#last += shift;
    this.#items = this.#items.map((item) =>
      item.kind === "message" ? { ...item, number: item.number + shift } : item,
    );
  }

  /** Forgets what has been said and is acknowledged; a state only with what it goes with. */
  #prune(): number[] {
    let count = 0;
    for (const [index, item] of this.#items.entries()) {
      if (index >= this.#cursor || (item.kind === "message" && item.number > this.#base)) break;
      if (item.kind !== "state") count = index + 1;
    }
    const gone: number[] = [];
    for (const item of this.#items.splice(0, count)) {
      if (item.kind === "message") this.#release(item.payload);
      if (item.kind === "state") this.#state = item.state;
      else if (item.answers !== undefined) gone.push(item.answers);
    }
    this.#cursor -= count;
    return gone;
  }

  #release(payload: Uint8Array): void {
    this.#underWay.messages -= 1;
    this.#underWay.bytes -= costOf(payload);
  }

  /** A state goes with the message after it: the one does not go where the other cannot. */
  #fits(item: Said): boolean {
    if (this.#underWay.messages === 0) return true;
    const ahead = item.kind === "state" ? this.#messageAfterCursor() : item;
    const cost = ahead?.kind === "message" ? costOf(ahead.payload) : 0;
    if (item.kind === "done") return true;
    const { messages, bytes } = this.#underWay;
    return messages < this.#window.messages && bytes + cost <= this.#window.bytes;
  }

  #messageAfterCursor(): Said | undefined {
    return this.#items.find((item, index) => index >= this.#cursor && item.kind === "message");
  }
}

function costOf(payload: Uint8Array): number {
  return payload.byteLength + ENTRY_BYTES;
}
