/**
 * A WebSocket that comes back by itself. For browsers, Node and workers alike: web standards only,
 * and the constructor of the sockets beneath is given to it.
 */
import { utf8 } from "../bytes.ts";
import { CloseCode } from "../close-code.ts";
import { LIMITS } from "../limits.ts";
import { Attempts, isWorthRetrying } from "./attempts.ts";
import { ResumeEnd } from "./end.ts";
import { readWelcome, type Welcome } from "./greeting.ts";
import { RECORD_HEAD_BYTES, RESUME_PROTOCOL, RESUMING_PROTOCOL } from "./record.ts";
import type { SocketConstructor, SocketLike } from "./socket-like.ts";
import { ClosedEvent, FreshEvent, ResumedEvent } from "./socket-events.ts";

export interface ResumingOptions {
  /** `WebSocket` of the platform, or one like it. */
  readonly webSocket: SocketConstructor;
  /** The application's own subprotocols. */
  readonly protocols?: readonly string[];
  /** Without a connection for this long, it closes with 1006. Default: five minutes. */
  readonly giveUpAfterMs?: number;
  /** A connection that is not up after this is tried anew. Default: ten seconds. */
  readonly connectTimeoutMs?: number;
  /** Unix time, milliseconds. */
  readonly now?: () => number;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Calls back after `ms`. @returns What calls it off. */
  readonly delay?: (callback: () => void, ms: number) => () => void;
}

type Handler<E extends Event> = ((event: E) => void) | null;

const GIVE_UP_AFTER_MS = 300_000;
const CONNECT_TIMEOUT_MS = 10_000;
const OPEN = 1;
/** What may wait for a connection; a `WebSocket` with a full buffer closes as well. */
const MAX_QUEUE_BYTES = 16 * 1024 * 1024;
const MAX_MESSAGE_BYTES = LIMITS.maxWebSocketMessageBytes - RECORD_HEAD_BYTES;

const WINDOW = { messages: LIMITS.resumeWindowMessages, bytes: LIMITS.resumeWindowBytes };

/**
 * Has the interface of `WebSocket`, and two events more: `resumed` and `fresh`. It stays open while
 * it has no connection; what is sent then goes when it has one.
 *
 * Towards a server that does not know our protocol and chooses one of the application's, it is an
 * ordinary WebSocket.
 */
export class ResumingWebSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;

  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;
  readonly url: string;
  readonly extensions = "";
  binaryType: "blob" | "arraybuffer" = "blob";
  onopen: Handler<Event> = null;
  onmessage: Handler<MessageEvent> = null;
  onclose: Handler<ClosedEvent> = null;
  onerror: Handler<Event> = null;
  onresumed: Handler<ResumedEvent> = null;
  onfresh: Handler<FreshEvent> = null;

  readonly #options: ResumingOptions;
  readonly #attempts: Attempts;
  readonly #now: () => number;
  #end = new ResumeEnd<undefined>(WINDOW);
  #socket: SocketLike | undefined;
  #mode: "greeting" | "welcomed" | "plain" = "greeting";
  #cancelTimer: (() => void) | undefined;
  #readyState: 0 | 1 | 2 | 3 = 0;
  #session: string | undefined;
  #protocol = "";
  /** The application, or its peer, has said so within the session. */
  #closing: { readonly code: number; readonly reason: string } | undefined;
  /** It has been open. */
  #opened = false;

  /** Connects at once. */
  constructor(url: string, options: ResumingOptions) {
    super();
    const { giveUpAfterMs = GIVE_UP_AFTER_MS, random = Math.random, now = Date.now } = options;
    this.url = url;
    this.#options = options;
    this.#now = now;
    this.#attempts = new Attempts(giveUpAfterMs, random);
    this.#tellHandlers();
    this.#connect();
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  /** The application's own. */
  get protocol(): string {
    return this.#protocol;
  }

  /** Bytes that have not left yet. */
  get bufferedAmount(): number {
    return this.#end.waitingBytes + (this.#socket?.bufferedAmount ?? 0);
  }

  /** False while it tries to come back. */
  get isConnected(): boolean {
    return this.#mode !== "greeting" && this.#socket?.readyState === OPEN;
  }

  /**
   * As `WebSocket.send`, without `Blob`.
   *
   * @throws DOMException InvalidStateError before it is open for the first time.
   */
  send(data: string | ArrayBuffer | ArrayBufferView<ArrayBuffer>): void {
    if (this.#readyState === 0) throw new DOMException("Not open yet", "InvalidStateError");
    if (this.#readyState > 1) return;
    const message = typeof data === "string" ? data : bytesOf(data);
    if (this.#mode === "plain") {
      this.#socket?.send(message);
      return;
    }
    this.#end.send(message);
    if (this.#end.waitingBytes > MAX_QUEUE_BYTES) {
      this.#finish(CloseCode.tryLater, "too much is waiting", false);
    } else if (message.length > MAX_MESSAGE_BYTES / 4 && sizeOf(message) > MAX_MESSAGE_BYTES) {
      this.#finish(CloseCode.tooBig, `at most ${MAX_MESSAGE_BYTES} bytes`, false);
    } else {
      this.#pump();
    }
  }

  /**
   * As `WebSocket.close`. What was sent before arrives before.
   *
   * @throws DOMException InvalidAccessError or SyntaxError for what may not be said.
   */
  close(code?: number, reason = ""): void {
    if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999)) {
      throw new DOMException("Use 1000 or 3000 to 4999", "InvalidAccessError");
    }
    if (utf8(reason).byteLength > LIMITS.maxReasonBytes) {
      throw new DOMException(`At most ${LIMITS.maxReasonBytes} bytes`, "SyntaxError");
    }
    if (this.#readyState === 0) this.#finish(1006, "", false);
    if (this.#readyState > 1) return;
    this.#readyState = 2;
    this.#closing = { code: code ?? 1005, reason };
    if (this.#mode === "plain") {
      this.#socket?.close(code, reason);
    } else {
      this.#end.close(this.#closing.code, reason);
      this.#pump();
    }
  }

  #tellHandlers(): void {
    this.addEventListener("open", (event) => this.onopen?.(event));
    this.addEventListener("error", (event) => this.onerror?.(event));
    this.addEventListener("message", (event) => {
      if (event instanceof MessageEvent) this.onmessage?.(event);
    });
    this.addEventListener("close", (event) => {
      if (event instanceof ClosedEvent) this.onclose?.(event);
    });
    this.addEventListener("resumed", (event) => {
      if (event instanceof ResumedEvent) this.onresumed?.(event);
    });
    this.addEventListener("fresh", (event) => {
      if (event instanceof FreshEvent) this.onfresh?.(event);
    });
  }

  #connect(): void {
    const { webSocket: WebSocket, protocols = [], connectTimeoutMs } = this.#options;
    // To go on, the application is not asked: its own protocols are in the greeting, should it be.
    const offered = this.#opened
      ? [RESUME_PROTOCOL, RESUMING_PROTOCOL]
      : [RESUME_PROTOCOL, ...protocols];
    const socket = new WebSocket(this.url, offered);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    const current = (): boolean => this.#socket === socket;
    let reached = false;
    socket.addEventListener("open", () => {
      reached = true;
      if (current()) this.#greet(socket);
    });
    socket.addEventListener("message", ({ data }) => {
      if (current()) this.#receive(data);
    });
    // Whatever it is, `close` follows.
    socket.addEventListener("error", () => undefined);
    socket.addEventListener("close", ({ code, reason }) => {
      if (current()) this.#closed(code, reason, reached);
    });
    this.#wait(() => this.#lost(), connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
  }

  #greet(socket: SocketLike): void {
    if (socket.protocol !== RESUME_PROTOCOL) {
      this.#mode = "plain";
      this.#protocol = socket.protocol;
      this.#open();
      return;
    }
    const resume = this.#session ?? null;
    const received = this.#end.received >>> 0;
    const { protocols = [] } = this.#options;
    socket.send(JSON.stringify({ resume, received, protocols }));
    // What the other side has already it will drop: faster than to ask first.
    this.#end.restart();
    this.#say(socket);
    socket.send(this.#end.syncRecord(0));
  }

  #receive(data: unknown): void {
    if (this.#mode === "plain") {
      this.#deliver(data instanceof ArrayBuffer ? new Uint8Array(data) : String(data));
    } else if (typeof data === "string") {
      const welcome = readWelcome(data);
      if (welcome.ok && this.#mode === "greeting") this.#welcomed(welcome.value);
      else this.#distrust();
    } else if (data instanceof ArrayBuffer && this.#mode === "welcomed") {
      this.#receiveRecord(new Uint8Array(data));
    }
    // Else a core that took us up asks what we have, while we are telling it anyway.
  }

  #welcomed({ resume, received, protocol, fresh }: Welcome): void {
    const isAgain = this.#opened;
    if (!fresh && (resume !== this.#session || this.#end.acknowledge(received) === undefined)) {
      this.#distrust();
      return;
    }
    this.#mode = "welcomed";
    this.#session = resume;
    this.#cancelTimer?.();
    const awayMs = this.#attempts.succeeded(this.#now());
    if (!fresh) {
      this.#pump();
      this.dispatchEvent(new ResumedEvent(awayMs));
      return;
    }
    this.#protocol = protocol;
    if (isAgain) this.#startAnew();
    else this.#open();
  }

  #open(): void {
    this.#cancelTimer?.();
    this.#opened = true;
    this.#readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  #startAnew(): void {
    const { unconfirmed } = this.#end;
    this.#end = new ResumeEnd<undefined>(WINDOW);
    this.#end.restart();
    if (this.#closing === undefined) this.dispatchEvent(new FreshEvent(unconfirmed));
    else this.#finish(1006, "", false);
  }

  #receiveRecord(bytes: Uint8Array): void {
    const received = this.#end.receive(bytes, undefined);
    if (!received.ok) {
      this.#distrust();
      return;
    }
    const incoming = received.value;
    if (incoming.kind === "message") {
      // First: what the application does now may say so to the other side.
      this.#end.finish(incoming.number);
      this.#deliver(incoming.message);
    } else if (incoming.kind === "close") {
      this.#finish(incoming.code, incoming.reason, true);
    } else if (incoming.kind === "sync") {
      this.#socket?.send(this.#end.syncRecord(incoming.number));
    }
    this.#pump();
  }

  #deliver(message: string | Uint8Array): void {
    if (this.#readyState === 3) return;
    const bytes = typeof message === "string" ? undefined : message.slice();
    const binary = bytes && (this.binaryType === "blob" ? new Blob([bytes]) : bytes.buffer);
    this.dispatchEvent(new MessageEvent("message", { data: binary ?? message }));
  }

  /** The session cannot be gone on with, whoever is to blame: the next connection begins a new one. */
  #distrust(): void {
    this.#session = undefined;
    this.#lost();
  }

  #closed(code: number, reason: string, reached: boolean): void {
    const closing = this.#closing;
    if (this.#mode === "plain") {
      this.#finish(code, reason, code !== 1006);
    } else if (closing !== undefined && this.#mode === "welcomed" && isEcho(closing.code, code)) {
      this.#finish(closing.code, closing.reason, true);
    } else if (!this.#opened && !reached) {
      this.dispatchEvent(new Event("error"));
      this.#finish(1006, "", false);
    } else if (isWorthRetrying(code)) {
      this.#lost();
    } else {
      this.#finish(code, reason, false);
    }
  }

  #lost(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    this.#mode = "greeting";
    this.#end.pause();
    const waitMs = this.#attempts.next(this.#now());
    if (waitMs === undefined) this.#finish(1006, "no connection", false);
    else this.#wait(() => this.#connect(), waitMs);
  }

  #finish(code: number, reason: string, wasClean: boolean): void {
    if (this.#readyState === 3) return;
    this.#readyState = 3;
    this.#cancelTimer?.();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    if (!wasClean && this.#opened) this.dispatchEvent(new Event("error"));
    this.dispatchEvent(new ClosedEvent(code, reason, wasClean));
  }

  /** Until it is welcomed, what it says is part of the greeting. */
  #pump(): void {
    if (this.#mode === "welcomed" && this.#socket?.readyState === OPEN) this.#say(this.#socket);
  }

  #say(socket: SocketLike): void {
    for (let next = this.#end.next(); next !== undefined; next = this.#end.next()) {
      if (next.kind === "record") socket.send(next.bytes);
    }
  }

  #wait(callback: () => void, ms: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = (this.#options.delay ?? delay)(callback, ms);
  }
}

/** Who closes with no code is answered with none, or with 1000. */
function isEcho(said: number, heard: number): boolean {
  return said === heard || (said === 1005 && heard === 1000);
}

function delay(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}

function bytesOf(data: ArrayBuffer | ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return data instanceof ArrayBuffer
    ? new Uint8Array(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function sizeOf(message: string | Uint8Array): number {
  return typeof message === "string" ? utf8(message).byteLength : message.byteLength;
}
