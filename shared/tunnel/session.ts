/**
 * Streams over one connection. Symmetric: the relay and the core run this same class. Pure: bytes
 * in, bytes out; the socket, the clock and the moment to flush are passed in. What the frames mean
 * and who may send which: protocol.md.
 */
import { LIMITS } from "../limits.ts";
import { fromUtf8, utf8 } from "../bytes.ts";
import { decodeFields, encodeFields, type Fields } from "./fields.ts";
import {
  CONNECTION_TYPES,
  creditOf,
  decodeFrames,
  decodeOffset,
  decodeU32,
  encodeOffset,
  encodeU32,
  Flag,
  type Frame,
  frame,
  FrameType,
  GoAwayCode,
  KIND_OF_OPENER,
  OPENERS,
  ResetCode,
  type StreamKind,
} from "./frame.ts";
import { limitFields, type PeerLimits, readLimits } from "./greeting.ts";
import { applyFrame } from "./inbound.ts";
import { Sender, type Wire } from "./sender.ts";
import type { SessionHandlers, SessionState } from "./session-handlers.ts";
import { Stream } from "./stream.ts";
import type { StreamState } from "./stream-event.ts";
import { StreamTable } from "./stream-table.ts";
import { ReceiveWindow, SendWindow } from "./window.ts";

export interface SessionOptions extends Wire {
  readonly role: "relay" | "core";
  /** Milliseconds of a steady clock. */
  now(): number;
  readonly handlers: SessionHandlers;
}

/** The last id that leaves the sign bit of a 32-bit number alone. */
const LAST_ID = 0x7fff_fffe;

export class Session {
  readonly #options: SessionOptions;
  readonly #handlers: SessionHandlers;
  readonly #streams = new StreamTable();
  readonly #sender: Sender;
  readonly #window: SendWindow;
  #receive: ReceiveWindow;
  #ended = false;
  #ready = false;
  #nextId: number;
  #highestPeerId = 0;
  #peer: PeerLimits = { streamWindow: 0, connectionWindow: 0, maxStreams: 0 };
  #goingAway = false;
  #peerGoingAway = false;
  #peerDrained = false;

  /** @param state - That of a relay before it slept: the greeting is over then. */
  constructor(options: SessionOptions, state?: SessionState) {
    this.#options = options;
    this.#handlers = options.handlers;
    this.#nextId = state?.nextId ?? (options.role === "relay" ? 1 : 2);
    this.#window = new SendWindow(state?.sendLimit ?? 0, state?.sent);
    this.#sender = new Sender(options, this.#window);
    const { connectionWindowBytes: size } = LIMITS;
    this.#receive = new ReceiveWindow(size, size, state?.receive);
    if (state === undefined) return;
    this.#ready = true;
    this.#highestPeerId = state.highestPeerId;
    this.#peer = state.peer;
    this.#goingAway = state.goingAway;
    this.#peerGoingAway = state.peerGoingAway;
  }

  get state(): SessionState {
    return {
      nextId: this.#nextId,
      highestPeerId: this.#highestPeerId,
      sent: this.#window.sent,
      sendLimit: this.#window.limit,
      receive: this.#receive.state,
      peer: this.#peer,
      goingAway: this.#goingAway,
      peerGoingAway: this.#peerGoingAway,
    };
  }

  /** HELLO and WELCOME were exchanged and the connection still stands. */
  get ready(): boolean {
    return this.#ready && !this.#ended;
  }

  /** The peer takes new streams, and there are ids left. */
  get open(): boolean {
    return this.ready && !this.#peerGoingAway && this.#nextId <= LAST_ID;
  }

  /** Requests under way: each has a client waiting for it. */
  get requests(): number {
    return this.#streams.requests;
  }

  /** Requests and deliveries under way. */
  get busy(): number {
    return this.#streams.busy;
  }

  /** The socket was full: call `flush` when it has room. */
  get blocked(): boolean {
    return this.#sender.blocked;
  }

  /** Held for readers and waiting to be sent, all streams together. */
  get bufferedBytes(): number {
    let bytes = this.#receive.held;
    for (const stream of this.#streams.all()) bytes += stream.queuedBytes;
    return bytes;
  }

  /** Core: introduces itself. Limits are added. */
  hello(fields: Fields): void {
    this.#greet(FrameType.hello, fields);
  }

  /** Relay: answers HELLO. Streams may be opened from now on. */
  welcome(fields: Fields): void {
    this.#ready = true;
    this.#greet(FrameType.welcome, fields);
  }

  /**
   * Opens a stream.
   *
   * @param end - The head is all there is.
   * @returns undefined when the head cannot be sent, or the peer takes no more streams.
   */
  openStream(kind: StreamKind, fields: Fields, end = false): Stream | undefined {
    const head = encodeFields(fields);
    const room = this.open && this.#streams.hasRoom(kind, this.#nextId, this.#peer.maxStreams);
    if (!head.ok || !room) return undefined;
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = this.#streams.add(new Stream(this.#host, id, kind, this.#peer.streamWindow));
    this.#push(frame(OPENERS[kind], id, head.value, { flags: end ? Flag.end : 0 }));
    if (end) stream.markEnded();
    // Ids are never used twice; a connection that has used them all up has to be made anew.
    if (this.#nextId > LAST_ID) this.goAway(GoAwayCode.shutdown, "stream ids used up");
    return stream;
  }

  /** Takes up a WebSocket that was open before the relay slept. */
  resume(state: StreamState): Stream {
    return this.#streams.add(new Stream(this.#host, state.id, "websocket", 0, state));
  }

  stream(id: number): Stream | undefined {
    return this.#streams.get(id);
  }

  /** We want no new streams; those under way go on, and those that cross this on the way are taken. */
  goAway(code: GoAwayCode, reason: string): void {
    if (this.#goingAway || this.#ended) return;
    this.#goingAway = true;
    const text = utf8(reason).subarray(0, LIMITS.maxReasonBytes);
    this.#push(frame(FrameType.goAway, this.#highestPeerId, text, { ext: code }));
  }

  /** Relay: how it is. At most `maxNoteBytes`. */
  tell(stats: Uint8Array): void {
    this.#push(frame(FrameType.stats, 0, stats));
  }

  /** Takes one message of the socket, whole, before it returns. */
  receive(message: Uint8Array): void {
    if (this.#ended) return;
    const frames = decodeFrames(message);
    if (!frames.ok) {
      this.#fail(`bad frame: ${frames.error.reason}`);
      return;
    }
    for (const received of frames.value) {
      if (this.#ended) return;
      this.#dispatch(received);
    }
  }

  /** Sends what may be sent; for when the socket has room again. */
  flush(): void {
    this.#sender.flush();
  }

  /** The connection is gone: every stream hears of it. */
  lost(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sender.stop();
    for (const stream of this.#streams.all()) stream.receiveReset(ResetCode.lost, "lost");
  }

  readonly #host = {
    control: (out: Frame): void => this.#push(out),
    activate: (stream: Stream): void => this.#sender.activate(stream),
    consumed: (bytes: number): void => {
      const limit = this.#receive.consume(bytes, this.#options.now());
      if (limit !== undefined) this.#push(frame(FrameType.maxData, 0, encodeOffset(limit)));
      this.#handlers.onConsumed?.();
    },
    forget: (stream: Stream): void => {
      this.#streams.remove(stream);
      this.#sender.forget(stream);
    },
    changed: (stream: Stream): void => {
      if (stream.kind === "websocket") this.#handlers.onSocketChange(stream);
    },
    now: (): number => this.#options.now(),
  };

  #greet(type: typeof FrameType.hello | typeof FrameType.welcome, fields: Fields): void {
    const head = encodeFields([...fields, ...limitFields()]);
    if (!head.ok) throw new RangeError(`greeting: ${head.error.reason}`);
    this.#push(frame(type, 0, head.value));
  }

  #push(out: Frame): void {
    if (!this.#sender.control(out)) this.#fail("too many control frames owed");
  }

  #fail(reason: string): void {
    if (this.#ended) return;
    const text = utf8(reason).subarray(0, LIMITS.maxReasonBytes);
    const ext = GoAwayCode.protocol;
    this.#sender.stop(frame(FrameType.goAway, 0, text, { ext }));
    this.lost();
    this.#handlers.onFatal(reason);
  }

  #dispatch(received: Frame): void {
    if (received.type === FrameType.stats || received.type === FrameType.pong) {
      this.#handlers.onNews?.(received);
    } else if (received.stream === 0 || CONNECTION_TYPES.has(received.type)) {
      this.#onConnectionFrame(received);
    } else if (!this.#ready) {
      this.#fail("a stream before the greeting");
    } else if (KIND_OF_OPENER.has(received.type)) {
      this.#onOpen(received);
    } else {
      this.#onStreamFrame(received);
    }
  }

  #onConnectionFrame(received: Frame): void {
    switch (received.type) {
      case FrameType.hello:
      case FrameType.welcome:
        this.#onGreeting(received);
        return;
      case FrameType.maxData: {
        const limit = decodeOffset(received.payload);
        if (limit === undefined) this.#fail("bad offset");
        else this.#sender.grant(limit);
        return;
      }
      case FrameType.maxStreams: {
        const maxStreams = decodeU32(received.payload);
        if (maxStreams === undefined) this.#fail("bad stream count");
        else this.#peer = { ...this.#peer, maxStreams };
        return;
      }
      case FrameType.goAway:
        this.#peerGoingAway = true;
        this.#push(frame(FrameType.drained, 0, encodeU32(this.#nextId)));
        this.#handlers.onGoAway(received.ext, fromUtf8(received.payload));
        return;
      case FrameType.drained:
        this.#peerDrained = true;
        this.#handlers.onDrained();
        return;
      case FrameType.ping:
        this.#push(frame(FrameType.pong, 0, received.payload));
        return;
      default:
        this.#fail("a stream frame without a stream");
    }
  }

  #onGreeting({ type, payload }: Frame): void {
    const expected = this.#options.role === "relay" ? FrameType.hello : FrameType.welcome;
    const fields = decodeFields(payload);
    if (type !== expected || this.#window.limit > 0 || !fields.ok) {
      this.#fail("unexpected greeting");
      return;
    }
    const limits = readLimits(fields.value);
    if (limits === undefined) {
      this.#fail("a greeting without limits");
      return;
    }
    this.#peer = limits;
    this.#sender.grant(limits.connectionWindow);
    if (type === FrameType.hello) {
      this.#handlers.onHello(fields.value);
    } else {
      this.#ready = true;
      this.#handlers.onWelcome(fields.value);
    }
  }

  #onOpen({ type, stream: id, payload, flags }: Frame): void {
    const kind = KIND_OF_OPENER.get(type) ?? "http";
    if ((id & 1) === (this.#nextId & 1) || id <= this.#highestPeerId) {
      this.#fail("a stream id out of turn");
      return;
    }
    this.#highestPeerId = id;
    const fields = decodeFields(payload);
    if (!fields.ok || this.#peerDrained || !this.#streams.hasRoom(kind, id, LIMITS.maxStreams)) {
      const code = fields.ok ? ResetCode.refused : ResetCode.protocol;
      this.#push(frame(FrameType.reset, id, undefined, { ext: code }));
      return;
    }
    const stream = this.#streams.add(new Stream(this.#host, id, kind, this.#peer.streamWindow));
    this.#handlers.onOpen(stream, fields.value);
    if ((flags & Flag.end) !== 0) stream.receiveData(payload.subarray(0, 0), true);
  }

  #onStreamFrame(received: Frame): void {
    const { stream: id } = received;
    const stream = this.#streams.get(id) ?? this.#handlers.onUnknownStream(id);
    const credit = creditOf(received);
    if (!this.#receive.receive(credit)) {
      this.#fail("connection window ignored");
      return;
    }
    if (stream === undefined) {
      this.#onForgotten(received, credit);
      return;
    }
    const fault = applyFrame(stream, received);
    if (fault !== undefined) this.#fail(fault);
  }

  /** Frames cross on the way: those for a stream that has ended are normal. */
  #onForgotten({ type, ext, stream: id, payload }: Frame, credit: number): void {
    const opened = (id & 1) === (this.#nextId & 1) ? id < this.#nextId : id <= this.#highestPeerId;
    if (!opened) {
      this.#fail("a stream that was never opened");
      return;
    }
    if (credit > 0) this.#host.consumed(credit);
    if (type !== FrameType.ack && type !== FrameType.nack) return;
    const fields = decodeFields(payload);
    const answer = type === FrameType.ack ? "ack" : "nack";
    if (fields.ok) this.#handlers.onLateAnswer(answer, ext, fields.value);
  }
}
