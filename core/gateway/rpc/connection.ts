import { CloseCode } from "../../../shared/close-code.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { isTooHeavy } from "../../../shared/json-weight.ts";
import type { ClientSocket, Receipt, SocketListener } from "../../tunnel/handlers.ts";
import type { Authenticator, Origin } from "../auth/auth.ts";
import {
  type EventFrame,
  failure,
  frameText,
  type ResponseFrame,
  type StateVersion,
} from "./frames.ts";
import {
  type HandshakeRefusal,
  isWelcomeStill,
  readHandshake,
  type Session,
} from "../auth/handshake.ts";
import { type HelloSource, helloOf, policyOf } from "./hello.ts";
import { type Challenge, encodeKept, type Kept } from "./kept.ts";
import type { CallContext, ClientInfo } from "../../methods/method.ts";
import { type Call, Calls } from "./calls.ts";
import { isRequest, refuseHeavy } from "./rpc.ts";

/** A client says `connect` this soon after the challenge, or it is no client. */
const HANDSHAKE_TIMEOUT_MS = 15_000;
/** Messages of one client that wait for its handshake or for a restart, at most. */
const MAX_HELD = 256;
/** More than anybody looks at side by side; each event looks through them. */
const MAX_TOPICS = 64;
/** With so much of its buffer taken a client cannot follow: it misses what can be missed. */
const SLOW_FRACTION = 0.5;

/** What every connection of a gateway shares. */
export interface ConnectionParts extends HelloSource {
  readonly authenticator: Authenticator;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

/** What a connection is told by those around it. */
export interface ConnectionHost {
  /** As they are now: a restart changes them. */
  parts(): ConnectionParts;
  /** While the gateway restarts: resolves when `parts` are those of the new one. */
  paused(): Promise<void> | undefined;
  /** Resolves when calls that were put off are to be made again; undefined: there is nobody left. */
  held(): Promise<void> | undefined;
  /** Aborts when nobody may wait for somebody's word any more. */
  patience(): AbortSignal;
}

/** Who wants to know what becomes of a connection. */
export interface ConnectionWatcher {
  /** It is through the handshake. Called at most once, and not for one that an earlier core greeted. */
  onOpen(): void;
  /** A request has ended, and none is under way any more. */
  onIdle(): void;
  /** The socket is gone. Called once. */
  onClose(): void;
}

/** How an event is told. */
export interface Emission {
  /** True: a client that cannot follow misses it. */
  readonly droppable?: boolean | undefined;
  readonly stateVersion?: StateVersion | undefined;
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
  readonly #host: ConnectionHost;
  readonly #watcher: ConnectionWatcher;
  /** An earlier core has had it, so what the client has sent may come a second time. */
  readonly #resumed: boolean;
  #state: State;
  /** What its `connect` has to answer. */
  #asked: Challenge = { nonce: "", ts: 0 };
  #session: Session | undefined;
  #seq = 0;
  readonly #calls: Calls;
  /** Messages that wait until `#connecting` or a restart is over. */
  #held = 0;
  #connecting: Promise<void> | undefined;
  readonly #topics = new Set<string>();
  readonly #gone = new AbortController();

  /** @param kept - What an earlier core kept; undefined for a client that is new. */
  constructor(
    socket: ClientSocket,
    origin: Origin,
    host: ConnectionHost,
    watcher: ConnectionWatcher,
    kept?: Kept,
  ) {
    this.id = kept?.connection ?? crypto.randomUUID();
    this.via = origin.via;
    this.#socket = socket;
    this.#origin = origin;
    this.#host = host;
    this.#watcher = watcher;
    this.#calls = new Calls(host, () => watcher.onIdle());
    this.#resumed = kept !== undefined;
    if (kept?.state === "open") {
      this.#seq = kept.seq;
      for (const topic of kept.topics) this.#topics.add(topic);
      this.#session = sessionOf(kept, origin);
      this.#state = { name: "open", session: this.#session };
      if (kept.client.deviceId !== undefined) this.#hurry(this.#recheck(this.#session));
    } else {
      const timer = setTimeout(() => this.close(1000, "no connect request"), HANDSHAKE_TIMEOUT_MS);
      this.#state = { name: "handshake", timer: timer.unref() };
      this.#challenge(kept);
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

  /** As `client`, of one that is closed as well. */
  get greeted(): ClientInfo | undefined {
    return this.#session === undefined ? undefined : this.#infoOf(this.#session);
  }

  /** Whether it has subscribed to the events of `topic`. */
  hears(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** No request of this client is under way. */
  get isIdle(): boolean {
    return this.#calls.isIdle;
  }

  onMessage(message: string | Uint8Array, receipt: Receipt): void {
    const busy = this.#connecting ?? this.#host.paused();
    if (busy !== undefined) {
      this.#hold(busy, message, receipt);
      return;
    }
    const text = typeof message === "string" ? message : Buffer.from(message).toString("utf8");
    if (this.#state.name === "handshake") this.#begin(text, receipt);
    else if (this.#state.name === "open") void this.#request(text, this.#state.session, receipt);
    else receipt.done();
  }

  onClose(): void {
    this.#leaveHandshake({ name: "closed" });
    this.#gone.abort();
    this.#watcher.onClose();
  }

  /** Tells the client something; before `connect` it is told nothing. */
  emit(event: string, payload: unknown, how: Emission = {}): void {
    if (this.#state.name !== "open") return;
    // Counted all the same: the client sees that one is missing, and asks anew.
    this.#seq += 1;
    const { droppable = false, stateVersion } = how;
    const { maxBufferedBytes } = policyOf(this.via);
    if (droppable && this.#socket.bufferedBytes > maxBufferedBytes * SLOW_FRACTION) return;
    // Before it is sent: should we die in between, the client sees that one is missing.
    this.#keep(this.#keptOpen(this.#state.session));
    this.#send({ type: "event", event, payload, seq: this.#seq, stateVersion });
  }

  close(code: number, reason: string): void {
    this.#leaveHandshake({ name: "closed" });
    this.#socket.close(code, reason);
  }

  #challenge(kept: Kept | undefined): void {
    const given = this.#origin.via === "edge" ? this.#origin.caller.connect : undefined;
    // The same one again after a restart: the client may be signing it already.
    const earlier = kept?.state === "handshake" ? kept.challenge : undefined;
    const challenge: Challenge = given ??
      earlier ?? { nonce: crypto.randomUUID(), ts: this.#host.parts().now() };
    this.#asked = challenge;
    this.#keep({ state: "handshake", connection: this.id, challenge });
    // The edge has sent its own, and what comes first is the answer to it.
    if (given !== undefined) return;
    this.#send({ type: "event", event: "connect.challenge", payload: challenge });
  }

  #hold(until: Promise<void>, message: string | Uint8Array, receipt: Receipt): void {
    if (this.#held >= MAX_HELD) {
      receipt.done();
      this.close(1008, "too many requests at once");
      return;
    }
    void this.#heldUntil(until, message, receipt);
  }

  async #heldUntil(
    until: Promise<void>,
    message: string | Uint8Array,
    receipt: Receipt,
  ): Promise<void> {
    this.#held += 1;
    await until;
    this.#held -= 1;
    this.onMessage(message, receipt);
  }

  #begin(text: string, receipt: Receipt): void {
    this.#hurry(this.#connect(text, receipt));
  }

  /** What comes meanwhile waits. */
  #hurry(work: Promise<void>): void {
    this.#connecting = work
      // A fault of ours in front of somebody we do not know: it must not be worth more than this.
      .catch(() => this.close(CloseCode.internal, "internal error"))
      .finally(() => {
        this.#connecting = undefined;
      });
  }

  async #recheck(session: Session): Promise<void> {
    await this.#host.paused();
    if (await isWelcomeStill(session, this.#host.parts().authenticator)) return;
    this.close(1008, "device removed");
  }

  async #connect(text: string, receipt: Receipt): Promise<void> {
    const { authenticator } = this.#host.parts();
    const read = await readHandshake(text, this.#origin, authenticator, this.#asked);
    if (this.#state.name !== "handshake") {
      receipt.done();
      return;
    }
    if (!read.ok) {
      this.#refuse(read.error, receipt);
      return;
    }
    this.#session = read.value;
    this.#leaveHandshake({ name: "open", session: read.value });
    this.#keep(this.#keptOpen(read.value));
    this.#watcher.onOpen();
    this.#greet(read.value, receipt);
  }

  #refuse({ id, error, closeCode, closeReason }: HandshakeRefusal, receipt: Receipt): void {
    if (id !== undefined && error !== undefined) this.#send(failure(id, error), receipt);
    else receipt.done();
    this.close(closeCode, closeReason);
  }

  #greet(session: Session, receipt: Receipt): void {
    const payload = helloOf(this.id, session, this.via, this.#host.parts());
    this.#send({ type: "res", id: session.requestId, ok: true, payload }, receipt);
  }

  async #request(text: string, session: Session, receipt: Receipt): Promise<void> {
    if (isTooHeavy(text)) {
      this.#send(refuseHeavy(), receipt);
      return;
    }
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
    await this.#calls.answer(json, {
      contextOf: (id, call) => this.#contextOf(id, session, call),
      isOpen: () => this.isOpen,
      send: (frame) => this.#send(frame, receipt),
    });
  }

  #contextOf(id: string, session: Session, call: Call): CallContext {
    const gone = this.#gone.signal;
    const host = this.#host;
    return {
      client: this.#infoOf(session),
      askedAt: call.askedAt,
      signal: gone,
      // Made when it is asked for: most methods do not wait.
      get patience() {
        return AbortSignal.any([gone, host.patience()]);
      },
      accept: (payload) => {
        if (!call.isAccepted) this.#send({ type: "res", id, ok: true, payload });
        call.isAccepted = true;
      },
      subscribe: (topic) => this.#subscribe(topic, session),
      unsubscribe: (topic) => {
        if (this.#topics.delete(topic)) this.#keep(this.#keptOpen(session));
      },
    };
  }

  #infoOf({ role, scopes, client }: Session): ClientInfo {
    const { displayName, instanceId, deviceFamily, deviceId, ...named } = client;
    const ip = this.#origin.via === "edge" ? this.#origin.caller.ip : this.#origin.ip;
    const said = { displayName, instanceId, deviceFamily, deviceId };
    return { ...named, ...said, connection: this.id, via: this.via, ip, role, scopes };
  }

  #subscribe(topic: string, session: Session): void {
    if (this.#topics.has(topic)) return;
    this.#topics.add(topic);
    const kept = this.#keptOpen(session);
    // At the edge, those that the next core would not hear of are too many.
    const fits = this.via !== "edge" || encodeKept(kept) !== undefined;
    if (this.#topics.size <= MAX_TOPICS && fits) return this.#keep(kept);
    this.#topics.delete(topic);
    throw new GatewayError("invalid_request", "too many subscriptions on one connection");
  }

  #send(frame: ResponseFrame | EventFrame, receipt?: Receipt): void {
    if (this.#state.name === "closed") {
      receipt?.done();
      return;
    }
    const text = frameText(frame);
    if (receipt === undefined) this.#socket.send(text);
    else receipt.answer(text);
    if (this.#socket.bufferedBytes > policyOf(this.via).maxBufferedBytes) {
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
