/**
 * One stream of a session: a request with its answer, a client's WebSocket, or a webhook on its
 * way to the core. Holds what waits to be sent and the credit of both directions; when something
 * is sent, the session decides.
 */
import { utf8 } from "../bytes.ts";
import { LIMITS } from "../limits.ts";
import type { Fields } from "./fields.ts";
import {
  encodeOffset,
  Flag,
  type Frame,
  frame,
  FrameType,
  ResetCode,
  type StreamKind,
} from "./frame.ts";
import { Intake } from "./intake.ts";
import { MessageAssembler } from "./message-assembler.ts";
import { SendQueue } from "./send-queue.ts";
import type { StreamEvent, StreamListener, StreamState } from "./stream-event.ts";
import { SendWindow } from "./window.ts";

/** What a stream asks of its session. */
export interface StreamHost {
  /** Control frames go ahead of all data. */
  control(frame: Frame): void;
  /** The stream has something to send and credit for it, perhaps. */
  activate(stream: Stream): void;
  consumed(bytes: number): void;
  forget(stream: Stream): void;
  /** `state` is another now. */
  changed(stream: Stream): void;
  now(): number;
}

export class Stream {
  readonly id: number;
  readonly kind: StreamKind;
  /** Urgent streams go first: server-sent events, WebSockets. */
  urgent: boolean;
  #host: StreamHost;
  #listener: StreamListener | undefined;
  #early: StreamEvent[] = [];
  readonly #queue = new SendQueue();
  /** Follows the queue. It has no part in the credit: a close must never wait for it. */
  #close: Frame | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #send: SendWindow;
  readonly #intake: Intake;
  readonly #assembler = new MessageAssembler(LIMITS.maxWebSocketMessageBytes);
  #sentEnd = false;
  #gotHead = false;
  #gotEnd = false;
  #stopped = false;
  #over = false;
  /** Cut or stopped: the reader has given back all it holds, and reads no further. */
  #deaf = false;

  constructor(
    host: StreamHost,
    id: number,
    kind: StreamKind,
    sendWindowBytes: number,
    state?: StreamState,
  ) {
    this.#host = host;
    this.id = id;
    this.kind = kind;
    this.urgent = kind === "websocket";
    this.#send = new SendWindow(state?.sendLimit ?? sendWindowBytes, state?.sent);
    this.#intake = new Intake(host, state?.receive, state?.ahead);
  }

  get state(): StreamState {
    const { sent, limit: sendLimit } = this.#send;
    const { state: receive, ahead } = this.#intake;
    return { id: this.id, sent, sendLimit, receive, ahead, partial: this.#assembler.partial };
  }

  /** Handed to us for sending and not yet sent. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** Content sent so far. */
  get sentBytes(): number {
    return this.#send.sent;
  }

  /** Something waits to be sent, be it an END without bytes. */
  get queued(): boolean {
    return !this.#queue.empty;
  }

  /** Neither side has anything more to say. */
  get over(): boolean {
    return this.#over;
  }

  /** The peer reads no further. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Takes the peer's events; those that came before are handed over now, in order. */
  listen(listener: StreamListener): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    for (const event of early) listener(event);
  }

  /** Answers an OPEN. `head` is encoded. With `end` there is no body. */
  sendHead(head: Uint8Array, end = false): void {
    if (this.#over || this.#sentEnd) return;
    const type = this.kind === "websocket" ? FrameType.wsAccept : FrameType.headers;
    this.#host.control(frame(type, this.id, head, { flags: end ? Flag.end : 0 }));
    if (end) this.markEnded();
  }

  /** The head that opened this stream carried END. */
  markEnded(): void {
    this.#sentEnd = true;
    this.#settle();
  }

  /** Queues bytes of the body. Mind `drained()`: the queue itself has no bound. */
  write(bytes: Uint8Array): void {
    if (bytes.byteLength === 0 || this.#over || this.#sentEnd) return;
    this.#queue.pushData(bytes);
    this.#host.activate(this);
  }

  /** Nothing follows. */
  end(): void {
    if (this.#over || this.#sentEnd) return;
    this.#queue.pushEnd();
    this.#sentEnd = true;
    this.#host.activate(this);
  }

  /**
   * Queues a whole WebSocket message.
   *
   * @param answers - `receiptOf` the message that this one answers: it is dealt with when this one
   *   arrives, and not before.
   */
  sendMessage(message: string | Uint8Array, answers = 0): void {
    if (this.#over || this.#sentEnd) return;
    const isText = typeof message === "string";
    this.#queue.pushMessage(isText ? utf8(message) : message, isText, answers);
    this.#host.activate(this);
  }

  /** A message is dealt with, and has no answer. */
  acknowledge(receipt: number): void {
    if (!this.#over)
      this.#host.control(frame(FrameType.wsAck, this.id, undefined, { ext: receipt }));
  }

  /** Leaves something for the core after us. @throws RangeError above `maxNoteBytes`. */
  keepState(state: string): void {
    const bytes = utf8(state);
    if (bytes.byteLength > LIMITS.maxNoteBytes) throw new RangeError("state too long");
    if (this.#over || this.#sentEnd) return;
    this.#queue.pushState(bytes);
    this.#host.activate(this);
  }

  /** Ends our direction of a WebSocket, after everything queued. Code 0 means none was given. */
  sendClose(code: number, reason: string): void {
    if (this.#over || this.#sentEnd) return;
    const bytes = utf8(reason).subarray(0, LIMITS.maxReasonBytes);
    this.#close = frame(FrameType.wsClose, this.id, bytes, { ext: code });
    this.#sentEnd = true;
    if (this.#queue.empty) this.#emptied();
  }

  /** Answers a delivery; the stream is over then. `fields` are encoded. */
  answer(type: typeof FrameType.ack | typeof FrameType.nack, fields: Uint8Array, ext = 0): void {
    if (this.#over) return;
    this.#host.control(frame(type, this.id, fields, { ext }));
    this.#cutOff();
  }

  /** We read no further, what we hold counts as read; our own direction goes on. */
  stop(): void {
    if (this.#deaf) return;
    if (!this.#over && !this.#gotEnd) this.#host.control(frame(FrameType.stop, this.id));
    this.#giveUp();
  }

  /** Cuts both directions. What is queued is dropped, what we hold counts as read. */
  reset(code: ResetCode, reason = ""): void {
    if (!this.#over) {
      const text = utf8(reason).subarray(0, LIMITS.maxReasonBytes);
      this.#host.control(frame(FrameType.reset, this.id, text, { ext: code }));
    }
    this.#cutOff();
  }

  /** Cuts both directions and tells our own listener too: the fault was found on the way in. */
  abort(code: ResetCode, reason: string): void {
    this.reset(code, reason);
    this.#emit({ type: "reset", code, reason });
  }

  /** The reader is done with `bytes` of what it got: the peer may send as many again. */
  consume(bytes: number): void {
    if (this.#deaf) return;
    this.#grant(this.#intake.consume(bytes));
    this.#host.changed(this);
  }

  /** Resolves when what is queued has left, or the stream is over. */
  drained(): Promise<void> | undefined {
    if (this.#queue.empty || this.#over) return undefined;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  /** For the session: the next frame of at most `maxBytes`, or undefined when it has to wait. */
  next(maxBytes: number): Frame | undefined {
    const most = Math.min(maxBytes, LIMITS.maxFrameBytes, this.#send.available);
    const piece = this.#queue.take(most);
    if (piece === undefined) return undefined;
    this.#send.take(piece.bytes.byteLength);
    this.#host.changed(this);
    if (this.#queue.empty) this.#emptied();
    return frame(piece.type, this.id, piece.bytes, piece);
  }

  /** For the session: may send up to this offset. */
  grant(limit: number): void {
    this.#send.grant(limit);
    this.#host.changed(this);
    if (!this.#queue.empty) this.#host.activate(this);
  }

  /** For the session: the peer's head. */
  receiveHead(fields: Fields, end: boolean): void {
    if (this.#gotHead || this.#gotEnd) {
      this.abort(ResetCode.protocol, "a head out of place");
      return;
    }
    this.#gotHead = true;
    this.#emit({ type: "head", fields });
    if (end) this.#receiveEnd();
  }

  /** For the session: false when the peer ignores our window. */
  receiveData(bytes: Uint8Array, end: boolean): boolean {
    if (!this.#intake.receive(bytes.byteLength)) return false;
    if (this.#gotEnd) {
      this.abort(ResetCode.protocol, "data after the end");
      return true;
    }
    if (this.#deaf) this.#intake.discard(bytes.byteLength);
    else if (bytes.byteLength > 0) this.#emit({ type: "data", bytes: compact(bytes) });
    if (end) this.#receiveEnd();
    return true;
  }

  /** For the session: a frame that this kind of stream does not have. False as above. */
  receiveStray(creditBytes: number): boolean {
    if (!this.#intake.receive(creditBytes)) return false;
    this.abort(ResetCode.protocol, "unexpected frame");
    return true;
  }

  /**
   * For the session: a piece of a message, or of a state between two. A message may be longer than
   * any window, so of its first part the credit is given back at once; that of the rest when the
   * reader has taken the message.
   */
  receiveFragment({ type, payload, flags, ext: answers }: Frame): boolean {
    const { byteLength } = payload;
    if (!this.#intake.receive(byteLength)) return false;
    this.#host.changed(this);
    if (this.#deaf || this.#gotEnd) {
      this.#intake.discard(byteLength);
      return true;
    }
    const fin = (flags & Flag.fin) !== 0;
    const isState = type === FrameType.wsState;
    const text = isState || (flags & Flag.text) !== 0;
    const result = this.#assembler.add(payload, { fin, text, kind: type });
    if (result === "too_large") this.abort(ResetCode.tooLarge, "message too large");
    else if (result === "mixed") this.abort(ResetCode.protocol, "a piece of something else");
    else if (result === "partial") this.#grant(this.#intake.addPart(byteLength));
    else {
      const held = this.#intake.endParts(byteLength);
      if (isState) this.#takeState(String(result.message), held);
      else this.#emit({ type: "message", message: result.message, bytes: held, answers });
    }
    return true;
  }

  #takeState(state: string, held: number): void {
    this.consume(held);
    if (state.length <= LIMITS.maxNoteBytes) this.#emit({ type: "state", state });
    else this.abort(ResetCode.tooLarge, "state too long");
  }

  /** For the session: the peer is done with a message. */
  receiveTaken(receipt: number): void {
    this.#emit({ type: "taken", receipt });
  }

  /** For the session. */
  receiveClose(code: number, reason: string): void {
    if (this.#gotEnd) return;
    this.#gotEnd = true;
    this.#emit({ type: "close", code, reason });
    this.#settle();
  }

  /** For the session. */
  receiveAnswer(type: "ack" | "nack", code: number, fields: Fields): void {
    this.#emit(type === "ack" ? { type, fields } : { type, code, fields });
    this.#finish();
  }

  /** For the session: what is still queued will not be read. */
  receiveStop(): void {
    this.#stopped = true;
    const endWaits = !this.#sentEnd || !this.#queue.empty;
    this.#dropQueue();
    this.#sentEnd = !endWaits;
    this.end();
    this.#emit({ type: "stop" });
  }

  /** For the session: the peer, or the loss of the connection, has cut the stream. */
  receiveReset(code: number, reason: string): void {
    if (this.#over) return;
    this.#cutOff();
    this.#emit({ type: "reset", code, reason });
  }

  #emit(event: StreamEvent): void {
    if (this.#listener === undefined) this.#early.push(event);
    else this.#listener(event);
  }

  #grant(limit: number | undefined): void {
    if (limit === undefined || this.#over || this.#gotEnd) return;
    this.#host.control(frame(FrameType.maxData, this.id, encodeOffset(limit)));
  }

  #receiveEnd(): void {
    if (this.#gotEnd || this.#over) return;
    this.#gotEnd = true;
    this.#emit({ type: "end" });
    this.#settle();
  }

  #emptied(): void {
    if (this.#close !== undefined) this.#host.control(this.#close);
    this.#close = undefined;
    this.#drained?.resolve();
    this.#drained = undefined;
    this.#settle();
  }

  #dropQueue(): void {
    this.#queue.clear();
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  /** A delivery is over when it is answered; the others when both directions have ended. */
  #settle(): void {
    if (this.kind === "delivery" || !this.#queue.empty) return;
    if (this.#sentEnd && this.#gotEnd) this.#finish();
  }

  #cutOff(): void {
    this.#giveUp();
    this.#finish();
  }

  #giveUp(): void {
    this.#intake.discardAll();
    this.#deaf = true;
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#dropQueue();
    this.#host.forget(this);
  }
}

/** A piece that is small beside the message it came in is copied, or it would keep all of that. */
function compact(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > 2 * bytes.byteLength ? bytes.slice() : bytes;
}
