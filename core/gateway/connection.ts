import { LIMITS } from "../../shared/limits.ts";
import type { ClientSocket, Receipt, SocketListener } from "../tunnel/handlers.ts";
import type { Authenticator, Origin } from "./auth.ts";
import { type EventFrame, failure, type ResponseFrame } from "./frames.ts";
import { type HandshakeRefusal, readHandshake, type Session } from "./handshake.ts";
import { type HelloSource, helloOf } from "./hello.ts";
import { type Challenge, encodeKept, type Kept } from "./kept.ts";
import type { CallContext, ClientInfo } from "../methods/method.ts";
import { answerFrame, isRequest } from "./rpc.ts";

/** A client says `connect` this soon after the challenge, or it is no client. */
const HANDSHAKE_TIMEOUT_MS = 15_000;
/** Requests of one client under way at once: people and their tools need few, a flood has no end. */
const MAX_IN_FLIGHT = 64;

/** What every connection of a gateway shares. */
export interface ConnectionParts extends HelloSource {
  readonly authenticator: Authenticator;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

/** Who wants to know what becomes of a connection. */
export interface ConnectionWatcher {
  /** A request has ended, and none is under way any more. */
  onIdle(): void;
  /** The socket is gone. Called once. */
  onClose(): void;
}

type State =
  | { readonly name: "handshake"; readonly timer: NodeJS.Timeout }
  | { readonly name: "open"; readonly session: Session }
  | { readonly name: "closed" };

/**
 * One WebSocket client: challenge, `connect`, then requests and events until either side closes.
 *
 * A client at the edge may outlive this process. What the next one must know of it is handed to the
 * socket before the client hears what follows from it, so the two never contradict each other.
 */
export class Connection implements SocketListener {
  readonly id: string;
  readonly via: Origin["via"];
  readonly #socket: ClientSocket;
  readonly #origin: Origin;
  readonly #parts: ConnectionParts;
  readonly #watcher: ConnectionWatcher;
  /** An earlier core has had it, so what the client has sent may come a second time. */
  readonly #resumed: boolean;
  #state: State;
  #seq = 0;
  #inFlight = 0;
  readonly #topics = new Set<string>();
  readonly #gone = new AbortController();

  /** @param kept - What an earlier core kept; undefined for a client that is new. */
  constructor(
    socket: ClientSocket,
    origin: Origin,
    parts: ConnectionParts,
    watcher: ConnectionWatcher,
    kept?: Kept,
  ) {
    this.id = kept?.connection ?? crypto.randomUUID();
    this.via = origin.via;
    this.#socket = socket;
    this.#origin = origin;
    this.#parts = parts;
    this.#watcher = watcher;
    this.#resumed = kept !== undefined;
    if (kept?.state === "open") {
      this.#seq = kept.seq;
      for (const topic of kept.topics) this.#topics.add(topic);
      this.#state = { name: "open", session: sessionOf(kept, origin) };
    } else {
      const timer = setTimeout(() => this.close(1000, "no connect request"), HANDSHAKE_TIMEOUT_MS);
      this.#state = { name: "handshake", timer: timer.unref() };
      // The same one again after a restart: the client may be signing it already.
      this.#challenge(kept?.challenge ?? { nonce: crypto.randomUUID(), ts: parts.now() });
    }
    // Last: what the client sent while nobody led may come at once.
    socket.listen(this);
  }

  get isOpen(): boolean {
    return this.#state.name === "open";
  }

  /** Undefined before `connect`. */
  get client(): ClientInfo | undefined {
    return this.#state.name === "open" ? this.#infoOf(this.#state.session) : undefined;
  }

  /** Whether it has subscribed to the events of `topic`. */
  hears(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** No request of this client is under way. */
  get isIdle(): boolean {
    return this.#inFlight === 0;
  }

  onMessage(message: string | Uint8Array, receipt: Receipt): void {
    const text = typeof message === "string" ? message : Buffer.from(message).toString("utf8");
    if (this.#state.name === "handshake") this.#connect(text, receipt);
    else if (this.#state.name === "open") void this.#request(text, this.#state.session, receipt);
    else receipt.done();
  }

  onClose(): void {
    this.#leaveHandshake({ name: "closed" });
    this.#gone.abort();
    this.#watcher.onClose();
  }

  /** Tells the client something; before `connect` it is told nothing. */
  emit(event: string, payload: unknown): void {
    if (this.#state.name !== "open") return;
    this.#seq += 1;
    // Before it is sent: should we die in between, the client sees that one is missing.
    this.#keep(this.#keptOpen(this.#state.session));
    this.#send({ type: "event", event, payload, seq: this.#seq });
  }

  close(code: number, reason: string): void {
    this.#leaveHandshake({ name: "closed" });
    this.#socket.close(code, reason);
  }

  #challenge(challenge: Challenge): void {
    this.#keep({ state: "handshake", connection: this.id, challenge });
    this.#send({ type: "event", event: "connect.challenge", payload: challenge });
  }

  #connect(text: string, receipt: Receipt): void {
    const read = readHandshake(text, this.#origin, this.#parts.authenticator);
    if (!read.ok) {
      this.#refuse(read.error, receipt);
      return;
    }
    this.#leaveHandshake({ name: "open", session: read.value });
    this.#keep(this.#keptOpen(read.value));
    this.#greet(read.value, receipt);
  }

  #refuse({ id, error, closeCode, closeReason }: HandshakeRefusal, receipt: Receipt): void {
    if (id !== undefined && error !== undefined) this.#send(failure(id, error), receipt);
    else receipt.done();
    this.close(closeCode, closeReason);
  }

  #greet(session: Session, receipt: Receipt): void {
    const payload = helloOf(this.id, session, this.via, this.#parts);
    this.#send({ type: "res", id: session.requestId, ok: true, payload }, receipt);
  }

  async #request(text: string, session: Session, receipt: Receipt): Promise<void> {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      receipt.done();
      return; // the protocol ignores what is not JSON
    }
    if (this.#resumed && isRequest(json, "connect", session.requestId)) {
      this.#greet(session, receipt);
      return;
    }
    if (this.#inFlight >= MAX_IN_FLIGHT) {
      receipt.done();
      this.close(1008, "too many requests at once");
      return;
    }
    this.#inFlight += 1;
    const answer = await answerFrame(json, this.#parts.methods, (id) =>
      this.#contextOf(id, session),
    );
    this.#inFlight -= 1;
    this.#send(answer, receipt);
    if (this.#inFlight === 0) this.#watcher.onIdle();
  }

  #contextOf(id: string, session: Session): CallContext {
    return {
      client: this.#infoOf(session),
      signal: this.#gone.signal,
      accept: (payload) => this.#send({ type: "res", id, ok: true, payload }),
      subscribe: (topic) => this.#changeTopics(() => this.#topics.add(topic), session),
      unsubscribe: (topic) => this.#changeTopics(() => this.#topics.delete(topic), session),
    };
  }

  #infoOf({ role, scopes, client }: Session): ClientInfo {
    const { displayName, instanceId, deviceFamily, deviceId, ...named } = client;
    const ip = this.#origin.via === "edge" ? this.#origin.caller.ip : this.#origin.ip;
    const said = { displayName, instanceId, deviceFamily, deviceId };
    return { ...named, ...said, connection: this.id, via: this.via, ip, role, scopes };
  }

  #changeTopics(change: () => void, session: Session): void {
    change();
    this.#keep(this.#keptOpen(session));
  }

  #send(frame: ResponseFrame | EventFrame, receipt?: Receipt): void {
    if (this.#state.name === "closed") {
      receipt?.done();
      return;
    }
    const text = JSON.stringify(frame);
    if (receipt === undefined) this.#socket.send(text);
    else receipt.answer(text);
    if (this.#socket.bufferedBytes > LIMITS.maxWebSocketQueueBytes) {
      this.close(1008, "slow consumer");
    }
  }

  #keep(kept: Kept): void {
    if (this.via !== "edge") return;
    // What is too much to be kept leaves nothing behind that reads as a connection: refused, later.
    this.#socket.keep(encodeKept(kept) ?? "{}");
  }

  #keptOpen({ requestId, role, scopes, client }: Session): Kept {
    const named = { requestId, role, scopes: [...scopes], client, topics: [...this.#topics] };
    return { state: "open", connection: this.id, ...named, seq: this.#seq };
  }

  #leaveHandshake(next: State): void {
    if (this.#state.name === "handshake") clearTimeout(this.#state.timer);
    if (this.#state.name !== "closed") this.#state = next;
  }
}

/** What the client was let in for, less what its caller may not have any more. */
function sessionOf(kept: Extract<Kept, { readonly state: "open" }>, origin: Origin): Session {
  const { requestId, role, client } = kept;
  const trusted = origin.via === "edge" && origin.caller.principal.scopes.includes("operator");
  return { requestId, role, client, scopes: trusted ? kept.scopes : [] };
}
