import { LIMITS } from "../../shared/limits.ts";
import type { ClientSocket, SocketListener } from "../tunnel/handlers.ts";
import type { Authenticator, Origin } from "./auth.ts";
import { type EventFrame, failure, PROTOCOL_VERSION, type ResponseFrame } from "./frames.ts";
import { type HandshakeRefusal, readHandshake, type Session } from "./handshake.ts";
import { answerFrame, type Methods } from "./rpc.ts";

/** A client says `connect` this soon after the challenge, or it is no client. */
const HANDSHAKE_TIMEOUT_MS = 15_000;
/** Requests of one client under way at once: people and their tools need few, a flood has no end. */
const MAX_IN_FLIGHT = 64;

/** Clients take two of these without a sign of us as a dead connection. */
export const TICK_INTERVAL_MS = 30_000;

/** What every connection of a gateway shares. */
export interface ConnectionParts {
  readonly authenticator: Authenticator;
  readonly methods: Methods;
  /** What the greeting shows of the gateway. */
  readonly snapshot: () => object;
  readonly version: string;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

type State =
  | { readonly name: "handshake"; readonly timer: NodeJS.Timeout }
  | { readonly name: "open"; readonly session: Session }
  | { readonly name: "closed" };

/** One WebSocket client: challenge, `connect`, then requests and events until either side closes. */
export class Connection implements SocketListener {
  readonly id = crypto.randomUUID();
  readonly #socket: ClientSocket;
  readonly #origin: Origin;
  readonly #parts: ConnectionParts;
  readonly #onClose: () => void;
  #state: State;
  #seq = 0;
  #inFlight = 0;

  /** @param onClose - Called once, when the socket is gone. */
  constructor(socket: ClientSocket, origin: Origin, parts: ConnectionParts, onClose: () => void) {
    this.#socket = socket;
    this.#origin = origin;
    this.#parts = parts;
    this.#onClose = onClose;
    const timer = setTimeout(
      () => this.#socket.close(1000, "no connect request"),
      HANDSHAKE_TIMEOUT_MS,
    ).unref();
    this.#state = { name: "handshake", timer };
    socket.listen(this);
    const payload = { nonce: crypto.randomUUID(), ts: parts.now() };
    this.#send({ type: "event", event: "connect.challenge", payload });
  }

  get isOpen(): boolean {
    return this.#state.name === "open";
  }

  onMessage(message: string | Uint8Array): void {
    const text = typeof message === "string" ? message : Buffer.from(message).toString("utf8");
    if (this.#state.name === "handshake") this.#connect(text);
    else if (this.#state.name === "open") void this.#request(text, this.#state.session);
  }

  onClose(): void {
    this.#leaveHandshake({ name: "closed" });
    this.#onClose();
  }

  /** Tells the client something; before `connect` it is told nothing. */
  emit(event: string, payload: unknown): void {
    if (this.#state.name !== "open") return;
    this.#seq += 1;
    this.#send({ type: "event", event, payload, seq: this.#seq });
  }

  close(code: number, reason: string): void {
    this.#leaveHandshake({ name: "closed" });
    this.#socket.close(code, reason);
  }

  #connect(text: string): void {
    const read = readHandshake(text, this.#origin, this.#parts.authenticator);
    if (!read.ok) {
      this.#refuse(read.error);
      return;
    }
    this.#leaveHandshake({ name: "open", session: read.value });
    const { requestId: id } = read.value;
    this.#send({ type: "res", id, ok: true, payload: this.#hello(read.value) });
  }

  #refuse({ id, error, closeCode, closeReason }: HandshakeRefusal): void {
    if (id !== undefined && error !== undefined) this.#send(failure(id, error));
    this.close(closeCode, closeReason);
  }

  #hello({ role, scopes }: Session): object {
    const { methods, snapshot, version } = this.#parts;
    return {
      type: "hello-ok",
      protocol: PROTOCOL_VERSION,
      server: { version, connId: this.id },
      features: {
        methods: [...methods.keys()],
        events: ["connect.challenge", "tick", "shutdown"],
        capabilities: [],
      },
      snapshot: snapshot(),
      auth: { method: "token", role, scopes },
      policy: {
        maxPayload: LIMITS.maxWebSocketMessageBytes,
        maxBufferedBytes: LIMITS.maxWebSocketQueueBytes,
        tickIntervalMs: TICK_INTERVAL_MS,
      },
    };
  }

  async #request(text: string, { scopes }: Session): Promise<void> {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return; // the protocol ignores what is not JSON
    }
    if (this.#inFlight >= MAX_IN_FLIGHT) {
      this.close(1008, "too many requests at once");
      return;
    }
    this.#inFlight += 1;
    const answer = await answerFrame(json, this.#parts.methods, scopes);
    this.#inFlight -= 1;
    this.#send(answer);
  }

  #send(frame: ResponseFrame | EventFrame): void {
    if (this.#state.name === "closed") return;
    this.#socket.send(JSON.stringify(frame));
    if (this.#socket.bufferedBytes > LIMITS.maxWebSocketQueueBytes) {
      this.close(1008, "slow consumer");
    }
  }

  #leaveHandshake(next: State): void {
    if (this.#state.name === "handshake") clearTimeout(this.#state.timer);
    if (this.#state.name !== "closed") this.#state = next;
  }
}
