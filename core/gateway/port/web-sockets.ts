import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { legalCloseCode, legalCloseReason } from "../../../shared/close-code.ts";
import { MAX_LOCAL_MESSAGE_BYTES } from "../rpc/hello.ts";
import type { ClientSocket, Receipt, SocketListener } from "../../tunnel/handlers.ts";

/** A client that answers no ping for this long is gone; its half-open socket is cut. */
const PING_INTERVAL_MS = 25_000;
/** What a client may send before its first message is whole: the protocol's limit for `connect`. */
const MAX_FIRST_BYTES = 64 * 1024;
/** Header and mask of the longest frame, and a few pings. */
const FIRST_SLACK_BYTES = 1_024;
/** For the close frame to leave before the socket is cut. */
const CUT_AFTER_MS = 250;

/** The WebSockets of our own port: opens, watches and ends them. */
export class WebSockets implements Disposable {
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    // Compression costs memory for every socket and leaks secrets beside attacker-chosen text.
    perMessageDeflate: false,
    maxPayload: MAX_LOCAL_MESSAGE_BYTES,
    // We speak no subprotocol; ws would otherwise agree to the first one it is offered.
    handleProtocols: () => false,
  });
  readonly #unanswered = new WeakSet<WebSocket>();
  readonly #timer = setInterval(() => this.#ping(), PING_INTERVAL_MS).unref();

  /** Answers 101 and hands the socket over, or refuses a malformed upgrade itself. */
  open(
    incoming: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    take: (client: ClientSocket) => void,
  ): void {
    this.#server.handleUpgrade(incoming, socket, head, (webSocket) => {
      webSocket.on("pong", () => this.#unanswered.delete(webSocket));
      // Every error is followed by `close`, which is where it is handled.
      webSocket.on("error", () => undefined);
      boundFirst(webSocket, socket);
      take(new LocalSocket(webSocket));
    });
  }

  /** Cuts what is still open. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const webSocket of this.#server.clients) webSocket.terminate();
  }

  #ping(): void {
    for (const webSocket of this.#server.clients) {
      if (this.#unanswered.has(webSocket)) {
        webSocket.terminate();
      } else {
        this.#unanswered.add(webSocket);
        webSocket.ping();
      }
    }
  }
}

/** Whoever has not said who they are cannot make us hold more than a `connect` takes. */
function boundFirst(webSocket: WebSocket, socket: Duplex): void {
  let bytes = 0;
  const count = (chunk: Buffer): void => {
    bytes += chunk.byteLength;
    if (bytes <= MAX_FIRST_BYTES + FIRST_SLACK_BYTES) return;
    socket.off("data", count);
    webSocket.close(1009, "handshake too large");
    webSocket.pause();
    setTimeout(() => webSocket.terminate(), CUT_AFTER_MS).unref();
  };
  socket.on("data", count);
  webSocket.once("message", () => socket.off("data", count));
}

/** One client of our own port. It dies with us, so nothing is kept and nothing noted as answered. */
class LocalSocket implements ClientSocket {
  readonly #webSocket: WebSocket;
  readonly #receipt: Receipt;
  /** Messages that ws still has. */
  #pending = 0;
  #drained: PromiseWithResolvers<void> | undefined;
  /** What it asks first has an answer. */
  #isAnswered = false;

  constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket;
    this.#receipt = { answer: (message) => this.send(message), done: () => undefined };
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  send(message: string | Uint8Array): void {
    if (this.#webSocket.readyState !== WebSocket.OPEN) return;
    this.#goOn();
    this.#pending += 1;
    // Called for what a closing socket drops as well.
    this.#webSocket.send(message, () => this.#sent());
  }

  close(code: number, reason: string): void {
    this.#goOn();
    if (code === 1005) this.#webSocket.close();
    else this.#webSocket.close(legalCloseCode(code), legalCloseReason(reason));
  }

  drained(): Promise<void> | undefined {
    if (this.#pending === 0) return undefined;
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  keep(): void {
    // The socket ends when we do.
  }

  listen(listener: SocketListener): void {
    // Before it is known who that is, nobody can make us hold what comes behind the first message.
    this.#webSocket.once("message", () => {
      this.#isAnswered = false;
      this.#webSocket.pause();
    });
    this.#webSocket.on("message", (data, isBinary) => {
      const bytes = bytesOf(data);
      listener.onMessage(isBinary ? bytes : bytes.toString("utf8"), this.#receipt);
    });
    this.#webSocket.on("close", (code, reason) => listener.onClose(code, reason.toString("utf8")));
  }

  #goOn(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    if (this.#webSocket.isPaused) this.#webSocket.resume();
  }

  #sent(): void {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
