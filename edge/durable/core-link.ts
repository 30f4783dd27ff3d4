import { CloseCode, legalCloseReason } from "../../shared/close-code.ts";
import { utf8 } from "../../shared/bytes.ts";
import { BUNDLE_FEATURES } from "../../shared/edge-features.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import { GoAwayCode } from "../../shared/tunnel/frame.ts";
import { signWelcome, type TunnelKey } from "../../shared/tunnel/handshake.ts";
import { Session } from "../../shared/tunnel/session.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import { logLine } from "../log.ts";
import { type CoreAttachment, GONE, type KeptWebhooks } from "./attachment.ts";
import type { Keeper, Kept } from "./keeper.ts";
import { readGreeting } from "./greeting.ts";
import type { Candidate } from "./leadership.ts";

/** What this version can do that one before could not: see protocol.md, section 5. */
const FEATURES = ["reattach", ...BUNDLE_FEATURES].join(" ");
/** How often a socket that was full is looked at. */
const FULL_SOCKET_POLL_MS = 5;

/** What the links tell the relay around them. */
export interface LinkHandlers {
  /** What all links of a relay keep for it, since only sockets outlive a sleep. */
  diary(): Readonly<Record<string, number>>;
  webhooks(): KeptWebhooks;
  edgeKey(): Promise<TunnelKey>;
  readonly keeper: Keeper;
  /** How the relay is. */
  stats(): object;
  /** It has said who it is. @returns Why it must go, or undefined. */
  onHello(link: CoreLink): string | undefined;
  /** Greeted: it may be given work. */
  onReady(link: CoreLink): void;
  /** It takes nothing new; what is under way goes on. */
  onGoAway(link: CoreLink): void;
  /** No core any more: every stream was told already. */
  onLost(link: CoreLink): void;
  onOpen(link: CoreLink, stream: Stream, fields: Fields): void;
  onLateAnswer(answer: "ack" | "nack", code: number, fields: Fields): void;
  onUnknownStream(link: CoreLink, id: number): Stream | undefined;
  onSocketChange(stream: Stream): void;
}

/**
 * One connection of a core: its socket, and the session on it.
 *
 * The relay may be put to sleep between any two events, so what the socket needs to go on is kept
 * in its attachment whenever no request is under way; a request itself keeps the relay awake.
 */
export class CoreLink implements Kept {
  readonly #ctx: DurableObjectState;
  readonly #handlers: LinkHandlers;
  readonly #socket: WebSocket;
  readonly session: Session;
  #attachment: CoreAttachment;
  #lastMessageAt = 0;
  #toldAt = 0;
  #waits = false;
  #gone = false;

  constructor(
    ctx: DurableObjectState,
    socket: WebSocket,
    attachment: CoreAttachment,
    handlers: LinkHandlers,
  ) {
    this.#ctx = ctx;
    this.#handlers = handlers;
    this.#socket = socket;
    this.#attachment = attachment;
    this.session = this.#createSession();
  }

  get id(): string {
    return this.#attachment.link;
  }

  get attachment(): CoreAttachment {
    return this.#attachment;
  }

  /** How it stands for work; undefined before its HELLO. */
  get candidate(): Candidate | undefined {
    const { greeting, instance, acceptedAt } = this.#attachment;
    if (greeting === undefined) return undefined;
    const { mode, store, epoch } = greeting;
    return { instance, mode, store, epoch, acceptedAt };
  }

  get reattaches(): boolean {
    return this.#attachment.greeting?.reattaches === true;
  }

  /** Greeted, and it takes new streams. */
  get open(): boolean {
    return !this.#gone && this.session.open;
  }

  /** False when it has shown no sign of life for too long. */
  isAlive(now: number): boolean {
    // Asking the runtime for the last heartbeat is not free: lately heard of is good enough.
    if (now - this.#lastMessageAt <= LIMITS.heartbeatMs) return true;
    return now - this.lastSeenAt() <= LIMITS.coreDeadMs;
  }

  /** Unix ms of its last sign of life. */
  lastSeenAt(): number {
    const beat = this.#ctx.getWebSocketAutoResponseTimestamp(this.#socket)?.getTime() ?? 0;
    return Math.max(beat, this.#lastMessageAt, this.#attachment.acceptedAt);
  }

  /** It has the storage now. */
  lead(store: string, epoch: number): void {
    const { greeting } = this.#attachment;
    if (greeting === undefined) return;
    this.#attachment = { ...this.#attachment, greeting: { ...greeting, store, epoch } };
    this.persist();
  }

  receive(message: string | ArrayBuffer): void {
    if (typeof message === "string") {
      this.drop(CloseCode.unsupportedData, "binary only");
      return;
    }
    this.#lastMessageAt = Date.now();
    this.session.receive(new Uint8Array(message));
    this.#handlers.keeper.mark(this);
  }

  /** The socket is gone. */
  closed(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.session.lost();
    this.#handlers.onLost(this);
  }

  /** Ends it from our side. */
  drop(code: number, reason: string): void {
    this.closed();
    try {
      // One that does not answer our close must not be a core again when we have slept.
      this.#socket.serializeAttachment(GONE);
      this.#socket.close(code, legalCloseReason(reason));
    } catch {
      // Closed already: what we wanted.
    }
  }

  /** Another takes its place; what it says from now on is not heard. */
  supersede(code: number, reason: string, goAway: GoAwayCode = GoAwayCode.superseded): void {
    this.session.goAway(goAway, reason);
    this.session.flush();
    this.drop(code, reason);
  }

  /** Keeps what a sleep would lose. */
  persist(): void {
    if (this.#gone) return;
    const session = this.session.ready ? this.session.state : undefined;
    const diary = this.#handlers.diary();
    const webhooks = this.#handlers.webhooks();
    this.#attachment = { ...this.#attachment, session, diary, webhooks };
    this.#socket.serializeAttachment(this.#attachment);
    // Now and then, while we are awake for something else: what we cost is told, not asked for.
    if (Date.now() - this.#toldAt >= LIMITS.statsMs) this.tell();
  }

  /** Says how the relay is, and with it whether this core has the work. */
  tell(): void {
    if (this.#gone || !this.session.ready) return;
    this.#toldAt = Date.now();
    const stats = utf8(JSON.stringify(this.#handlers.stats()));
    if (stats.byteLength <= LIMITS.maxNoteBytes) this.session.tell(stats);
  }

  /** The runtime does not say when a full socket has room again: while it is full, we look. */
  #flushLater(): void {
    if (this.#waits || !this.session.blocked) return;
    this.#waits = true;
    // oxlint-disable-next-line no-restricted-globals -- bounded by the heartbeat of the core
    setTimeout(() => {
      this.#waits = false;
      this.session.flush();
      this.#handlers.keeper.mark(this);
      this.#flushLater();
    }, FULL_SOCKET_POLL_MS);
  }

  #createSession(): Session {
    const handlers = this.#handlers;
    return new Session(
      {
        role: "relay",
        send: (message) => this.#send(message),
        bufferedBytes: () => bufferedBytes(this.#socket),
        defer: (flush) =>
          queueMicrotask(() => {
            flush();
            handlers.keeper.mark(this);
            this.#flushLater();
          }),
        now: () => Date.now(),
        handlers: {
          onHello: (fields) => this.#onHello(fields),
          onWelcome: () => undefined,
          onGoAway: (code, reason) => {
            logLine("info", { event: "core_going_away", code, reason: reason.slice(0, 120) });
            handlers.onGoAway(this);
          },
          onDrained: () => undefined,
          onFatal: (reason) => {
            logLine("warn", { event: "tunnel_protocol_error", reason });
            this.drop(CloseCode.protocolError, reason);
          },
          onOpen: (stream, fields) => handlers.onOpen(this, stream, fields),
          onLateAnswer: (answer, code, fields) => handlers.onLateAnswer(answer, code, fields),
          onUnknownStream: (id) => handlers.onUnknownStream(this, id),
          onSocketChange: (stream) => handlers.onSocketChange(stream),
          onConsumed: () => handlers.keeper.mark(this),
        },
      },
      this.#attachment.session,
    );
  }

  #onHello(fields: Fields): void {
    const greeting = readGreeting(fields);
    if (greeting === undefined) {
      this.drop(CloseCode.protocolError, "a greeting that makes no sense");
      return;
    }
    this.#attachment = { ...this.#attachment, greeting };
    const refusal = this.#handlers.onHello(this);
    if (refusal !== undefined) {
      logLine("warn", { event: "core_refused", reason: refusal });
      this.supersede(CloseCode.notLeader, refusal);
      return;
    }
    this.#welcome().catch((error: unknown) => {
      logLine("error", { event: "welcome_failed", err: String(error) });
      this.drop(CloseCode.internal, "welcome failed");
    });
  }

  async #welcome(): Promise<void> {
    const key = await this.#handlers.edgeKey();
    const id = crypto.randomUUID();
    const { host, kid, nonce, colo, relay, relays } = this.#attachment;
    const signature = await signWelcome(key.privateKey, { host, kid, nonce, session: id });
    // Replaced while we signed.
    if (this.#gone) return;
    const named: Fields =
      relay === ""
        ? []
        : [
            [":relay", relay],
            [":relays", relays],
          ];
    this.session.welcome([
      [":session", id],
      [":edge-key", key.publicKey],
      [":signature", signature],
      [":colo", colo ?? ""],
      [":features", FEATURES],
      ...named,
    ]);
    this.#handlers.onReady(this);
  }

  #send(message: Uint8Array<ArrayBuffer>): void {
    try {
      this.#socket.send(message);
    } catch {
      // The runtime throws once the socket is closing; `webSocketClose` tells the rest.
    }
  }
}

/** Newer runtimes tell what has not left yet; on older ones credit alone bounds it. */
export function bufferedBytes(socket: WebSocket): number {
  const buffered: unknown = Reflect.get(socket, "bufferedAmount");
  return typeof buffered === "number" ? buffered : 0;
}
