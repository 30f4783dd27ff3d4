/**
 * One end of a session that outlives its connections: numbers what it says, knows what the other
 * side has, and after a loss says the rest again. Both ends use it. Pure: bytes in, bytes out; who
 * owns it has the connection and hands over what `next` gives.
 */
import { fromUtf8, utf8 } from "../bytes.ts";
import { LIMITS } from "../limits.ts";
import { err, ok, type Result } from "../result.ts";
import { type History, Inbox } from "./inbox.ts";
import { Outbox, type Said, type SendWindow } from "./outbox.ts";
import {
  closePayload,
  decodeRecord,
  encodeRecord,
  fullNumber,
  type Range,
  rangesPayload,
  readClose,
  readRanges,
  type Record,
  type RecordFault,
  RecordType,
} from "./record.ts";

/** With fewer out of order the peer has room enough. */
const MAX_TOLD_RANGES = 256;

/** Something to be done with the connection, in this order. */
export type Outgoing<R> =
  | {
      readonly kind: "record";
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly receipt: R | undefined;
    }
  | { readonly kind: "state"; readonly state: string }
  | { readonly kind: "done"; readonly receipt: R };

export type Incoming =
  | { readonly kind: "message"; readonly number: number; readonly message: string | Uint8Array }
  | {
      readonly kind: "close";
      readonly number: number;
      readonly code: number;
      readonly reason: string;
    }
  | {
      readonly kind: "sync";
      readonly number: number;
      readonly received: number;
      readonly range: Range | undefined;
    }
  /** Nothing new. `kept`: its receipt will be used, the message is being dealt with. */
  | { readonly kind: "nothing"; readonly kept: boolean };

/** The peer does not keep to the protocol, or something was lost on the way: begin a new connection. */
export type EndFault =
  | RecordFault
  | { readonly reason: "missing_message" | "impossible_acknowledgement" };

/** @typeParam R - What is used once to say that a message is dealt with. */
export class ResumeEnd<R> {
  readonly #inbox: Inbox<R>;
  readonly #outbox: Outbox;
  /** Whether the peer has told what it has, on this connection: before, nothing is said. */
  #live = false;
  /** Another process had this session, and what it said is not known yet. */
  #foreign: boolean;
  /** Told to the peer. */
  #told = 0;
  #bytesSinceTold = 0;
  #finishedSinceTold = 0;

  /** @param history - Of a session that another process began. */
  constructor(window: SendWindow, history?: History) {
    this.#outbox = new Outbox(window);
    this.#inbox = new Inbox(history);
    this.#foreign = history !== undefined;
  }

  /** The peer can be told all it lacks; false until it has spoken to us, if another had it before. */
  get mayResume(): boolean {
    return !this.#foreign;
  }

  get isLive(): boolean {
    return this.#live;
  }

  get waitingBytes(): number {
    return this.#outbox.waitingBytes;
  }

  get bytes(): number {
    return this.#outbox.bytes;
  }

  /** Messages that the peer has not acknowledged. */
  get unconfirmed(): number {
    return this.#outbox.unconfirmed;
  }

  /** The state that goes with what the peer has for certain. */
  get state(): string | undefined {
    return this.#outbox.state;
  }

  get history(): History {
    return this.#inbox.history;
  }

  /** Of the peer's messages, for a greeting. */
  get received(): number {
    return this.#inbox.received;
  }

  get nextIsState(): boolean {
    return this.#live && this.#outbox.nextIsState;
  }

  /** @param answers - Number of the peer's message that is dealt with by this one. */
  send(message: string | Uint8Array, answers?: number): void {
    const isText = typeof message === "string";
    const payload = isText ? utf8(message) : message.slice();
    this.#outbox.push(isText ? RecordType.text : RecordType.binary, payload, answers);
  }

  close(code: number, reason: string): void {
    this.#outbox.push(RecordType.close, closePayload(code, reason), undefined);
  }

  /** A message needs no answer. It counts once all that was said before has arrived. */
  done(number: number): void {
    this.#outbox.pushDone(number);
  }

  keep(state: string): void {
    this.#outbox.pushState(state);
  }

  /** A message is dealt with, whatever becomes of what we said before. */
  finish(number: number): void {
    this.#finish([number]);
  }

  /** The connection is another, or gone: what comes now may have come before. */
  pause(): void {
    this.#live = false;
    this.#inbox.dropReceipts();
  }

  /** Says at once all that the peer has not acknowledged: what it has already, it drops. */
  restart(): void {
    this.#outbox.rewind();
    this.#inbox.revoke();
    this.#live = true;
  }

  /** @returns Receipts of what is done, or undefined when the peer cannot have so much. */
  acknowledge(wire: number): R[] | undefined {
    if (this.#foreign) return [];
    const gone = this.#outbox.acknowledge(fullNumber(wire, this.#outbox.base));
    return gone === undefined ? undefined : this.#finish(gone);
  }

  /**
   * The peer has told what it has, after all that comes again has come: from now on we speak.
   *
   * @returns Receipts of what is done.
   */
  synchronise({ received, range }: Extract<Incoming, { kind: "sync" }>): Result<R[], EndFault> {
    if (this.#foreign) {
      this.#outbox.start(fullNumber(received, 0));
      this.#foreign = false;
    }
    const spent = this.acknowledge(received);
    if (spent === undefined) return err({ reason: "impossible_acknowledgement" });
    if (range === undefined || !this.#inbox.adopt(range)) return err({ reason: "missing_message" });
    this.restart();
    this.#told = this.#inbox.received;
    return ok(spent);
  }

  /** What `synchronise` of the other side wants to know. */
  syncRecord(number: number): Uint8Array<ArrayBuffer> {
    const { base: from, sent: to } = this.#outbox;
    const payload = rangesPayload([{ from, to }]);
    return encodeRecord({ type: RecordType.sync, number, received: this.received, payload });
  }

  /** Takes a message of the connection. `receipt` is ours only if it was a new message, or `kept`. */
  receive(bytes: Uint8Array, receipt: R): Result<Incoming, EndFault> {
    const decoded = decodeRecord(bytes);
    if (!decoded.ok) return decoded;
    const record = decoded.value;
    if (this.#live && this.acknowledge(record.received) === undefined) {
      return err({ reason: "impossible_acknowledgement" });
    }
    if (record.type === RecordType.ack) return this.#receiveAck(record);
    if (record.type === RecordType.sync) return this.#receiveSync(record);
    return this.#receiveMessage(record, receipt);
  }

  /** The next thing to do; undefined when there is nothing, or the peer must speak first. */
  next(): Outgoing<R> | undefined {
    if (!this.#live) return undefined;
    for (let said = this.#outbox.take(); said !== undefined; said = this.#outbox.take()) {
      const outgoing = this.#outgoing(said);
      if (outgoing !== undefined) return outgoing;
    }
    return this.#ack();
  }

  #outgoing(said: Said): Outgoing<R> | undefined {
    if (said.kind === "message") {
      const { type, number, payload, answers } = said;
      const receipt = answers === undefined ? undefined : this.#inbox.settle(answers);
      // After that: it carries the word about the message that it answers.
      const { received } = this;
      this.#tell();
      return { kind: "record", bytes: encodeRecord({ type, number, received, payload }), receipt };
    }
    const receipt = said.kind === "done" ? this.#inbox.settle(said.answers) : undefined;
    // With nothing under way before it, it is final.
    this.#finish(this.#outbox.acknowledge(this.#outbox.base) ?? []);
    if (said.kind === "state") return said;
    return receipt === undefined ? undefined : { kind: "done", receipt };
  }

  /** A word of its own only when the peer will soon have to wait for it: it may wake somebody. */
  #ack(): Outgoing<R> | undefined {
    const isDue =
      this.received - this.#told >= LIMITS.resumeAckMessages ||
      (this.received > this.#told && this.#bytesSinceTold >= LIMITS.resumeAckBytes);
    const isBeyondDue = this.#finishedSinceTold >= LIMITS.resumeAckMessages;
    if (!isDue && !isBeyondDue) return undefined;
    const beyond = this.history.beyond.slice(0, MAX_TOLD_RANGES);
    this.#tell();
    this.#finishedSinceTold = 0;
    const { received } = this;
    const payload = rangesPayload(beyond);
    const bytes = encodeRecord({ type: RecordType.ack, number: 0, received, payload });
    return { kind: "record", bytes, receipt: undefined };
  }

  #tell(): void {
    if (this.received > this.#told) this.#bytesSinceTold = 0;
    this.#told = this.received;
  }

  #receiveAck({ payload }: Record): Result<Incoming, EndFault> {
    const ranges = readRanges(payload, this.#outbox.base);
    if (!ranges.ok) return ranges;
    if (this.#live) {
      for (const range of ranges.value) this.#finish(this.#outbox.acknowledgeBeyond(range));
    }
    return ok({ kind: "nothing", kept: false });
  }

  #receiveSync({ number, received, payload }: Record): Result<Incoming, EndFault> {
    const ranges = readRanges(payload, this.#foreign ? 0 : this.#inbox.last);
    if (!ranges.ok) return ranges;
    return ok({ kind: "sync", number, received, range: ranges.value[0] });
  }

  #receiveMessage({ type, number: wire, payload }: Record, receipt: R): Result<Incoming, EndFault> {
    const number = fullNumber(wire, this.#inbox.last);
    const close = type === RecordType.close ? readClose(payload) : undefined;
    if (close?.ok === false) return close;
    const arrival = this.#inbox.accept(number, receipt, !this.#live);
    if (arrival === "missing") return err({ reason: "missing_message" });
    if (arrival !== "new") return ok({ kind: "nothing", kept: arrival === "kept" });
    this.#bytesSinceTold += payload.byteLength;
    if (close !== undefined) return ok({ kind: "close", number, ...close.value });
    const message = type === RecordType.text ? fromUtf8(payload) : payload.slice();
    return ok({ kind: "message", number, message });
  }

  #finish(numbers: readonly number[]): R[] {
    const before = this.received;
    const spent = numbers.flatMap((number) => {
      const receipt = this.#inbox.finish(number);
      return receipt === undefined ? [] : [receipt];
    });
    if (this.received === before) this.#finishedSinceTold += numbers.length;
    return spent;
  }
}
