import { CloseCode } from "../../shared/close-code.ts";
import { LIMITS } from "../../shared/limits.ts";
import { type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { GoAwayCode } from "../../shared/tunnel/frame.ts";
import { signWelcome, type TunnelKey } from "../../shared/tunnel/handshake.ts";
import { Session } from "../../shared/tunnel/session.ts";
import type { SessionHandlers } from "../../shared/tunnel/session-handlers.ts";
import { logLine } from "../log.ts";
import type { CallOf } from "../relay-call.ts";
import { CORE_TAG, type CoreAttachment, readCore } from "./attachment.ts";

/** What the link tells the relay around it. */
export interface LinkHandlers extends Pick<
  SessionHandlers,
  "onOpen" | "onLateAnswer" | "onUnknownStream" | "onSocketChange"
> {
  /** A core is there and takes work. */
  onReady(): void;
  /** No core any more: every stream was told already. */
  onLost(): void;
  edgeKey(): Promise<TunnelKey>;
}

/**
 * The one core of this relay: its socket, and the session on it.
 *
 * The relay may be put to sleep between any two events, so what the socket needs to go on is kept
 * in its attachment whenever no request is under way; a request itself keeps the relay awake.
 */
export class CoreLink {
  readonly #ctx: DurableObjectState;
  readonly #handlers: LinkHandlers;
  #socket: WebSocket | undefined;
  #attachment: CoreAttachment | undefined;
  #session: Session | undefined;
  #lastMessageAt = 0;

  constructor(ctx: DurableObjectState, handlers: LinkHandlers) {
    this.#ctx = ctx;
    this.#handlers = handlers;
    const [socket] = ctx.getWebSockets(CORE_TAG);
    if (socket === undefined) return;
    const attachment = readCore(socket);
    if (attachment === undefined) {
      socket.close(CloseCode.restart, "relay was updated");
      return;
    }
    this.#take(socket, attachment);
  }

  /** The session when a core is connected, greeted and alive. */
  live(now: number): Session | undefined {
    const session = this.#session;
    if (session === undefined || !session.ready) return undefined;
    // Asking the runtime for the last heartbeat is not free: lately heard of is good enough.
    if (now - this.#lastMessageAt <= LIMITS.heartbeatMs) return session;
    if (now - this.lastSeenAt() <= LIMITS.coreDeadMs) return session;
    logLine("warn", { event: "core_dead", silentMs: now - this.lastSeenAt() });
    this.#drop(CloseCode.goingAway, "no heartbeat");
    return undefined;
  }

  /** Unix ms of the last sign of life of the socket now here; 0 without one. */
  lastSeenAt(): number {
    const socket = this.#socket;
    if (socket === undefined) return 0;
    const beat = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
    return Math.max(beat, this.#lastMessageAt, this.#attachment?.acceptedAt ?? 0);
  }

  get version(): string | undefined {
    return this.#attachment?.version;
  }

  /** Accepts the socket of a core. The newest wins: a core may come back before we see it gone. */
  accept(call: CallOf<"tunnel">, now: number): WebSocket {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    const sameCore = this.#attachment?.instance === call.instance;
    this.#session?.goAway(GoAwayCode.superseded, "a newer connection took over");
    this.#session?.flush();
    this.#drop(CloseCode.replaced, sameCore ? "reconnected" : "another core took over");
    this.#ctx.acceptWebSocket(ours, [CORE_TAG]);
    const { kid, nonce, instance, host, colo } = call;
    this.#take(ours, {
      role: "core",
      kid,
      nonce,
      instance,
      host,
      colo,
      acceptedAt: now,
      version: undefined,
      session: undefined,
    });
    this.#persist();
    return theirs;
  }

  /** True when the message came from the core of now, and not from one that was replaced. */
  owns(socket: WebSocket): boolean {
    return this.#socket === socket;
  }

  receive(message: ArrayBuffer): void {
    this.#lastMessageAt = Date.now();
    this.#session?.receive(new Uint8Array(message));
    // A flush that is due does it anyway.
    if (this.#session?.flushing !== true) this.#persist();
  }

  /** The socket is gone. */
  closed(): void {
    this.#socket = undefined;
    this.#attachment = undefined;
    const session = this.#session;
    this.#session = undefined;
    session?.lost();
    this.#handlers.onLost();
  }

  /** Keeps what must outlive a sleep; while requests are under way there can be none. */
  #persist(): void {
    const session = this.#session;
    if (this.#socket === undefined || this.#attachment === undefined) return;
    if (session !== undefined && session.requests > 0) return;
    const state = session?.ready === true ? session.state : undefined;
    this.#attachment = { ...this.#attachment, session: state };
    this.#socket.serializeAttachment(this.#attachment);
  }

  #take(socket: WebSocket, attachment: CoreAttachment): void {
    this.#socket = socket;
    this.#attachment = attachment;
    this.#session = new Session(
      {
        role: "relay",
        send: (message) => this.#send(socket, message),
        bufferedBytes: () => bufferedBytes(socket),
        defer: (flush) =>
          queueMicrotask(() => {
            flush();
            this.#persist();
          }),
        now: () => Date.now(),
        handlers: {
          onHello: (fields) => {
            this.#welcome(fields).catch((error: unknown) => {
              logLine("error", { event: "welcome_failed", err: String(error) });
              this.#drop(CloseCode.internal, "welcome failed");
            });
          },
          onWelcome: () => undefined,
          onGoAway: (code, reason) =>
            logLine("info", { event: "core_going_away", code, reason: reason.slice(0, 120) }),
          onDrained: () => undefined,
          onFatal: (reason) => {
            logLine("warn", { event: "tunnel_protocol_error", reason });
            this.#drop(CloseCode.protocolError, reason);
          },
          onOpen: (stream, fields) => this.#handlers.onOpen(stream, fields),
          onLateAnswer: (answer, code, fields) => this.#handlers.onLateAnswer(answer, code, fields),
          onUnknownStream: (id) => this.#handlers.onUnknownStream(id),
          onSocketChange: (stream) => this.#handlers.onSocketChange(stream),
        },
      },
      attachment.session,
    );
  }

  async #welcome(fields: Fields): Promise<void> {
    const attachment = this.#attachment;
    const session = this.#session;
    if (attachment === undefined || session === undefined) return;
    const key = await this.#handlers.edgeKey();
    const id = crypto.randomUUID();
    const { host, kid, nonce, colo } = attachment;
    const signature = await signWelcome(key.privateKey, { host, kid, nonce, session: id });
    // Replaced while we signed.
    if (this.#session !== session) return;
    this.#attachment = { ...attachment, version: fieldOf(fields, ":version") };
    session.welcome([
      [":session", id],
      [":edge-key", key.publicKey],
      [":signature", signature],
      [":colo", colo ?? ""],
    ]);
    this.#handlers.onReady();
  }

  #send(socket: WebSocket, message: Uint8Array<ArrayBuffer>): void {
    try {
      socket.send(message);
    } catch {
      // The runtime throws once the socket is closing; `webSocketClose` tells the rest.
    }
  }

  #drop(code: number, reason: string): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.closed();
    try {
      socket.close(code, reason);
    } catch {
      // Closed already: what we wanted.
    }
  }
}

/** Newer runtimes tell what has not left yet; on older ones credit alone bounds it. */
function bufferedBytes(socket: WebSocket): number {
  const buffered: unknown = Reflect.get(socket, "bufferedAmount");
  return typeof buffered === "number" ? buffered : 0;
}
