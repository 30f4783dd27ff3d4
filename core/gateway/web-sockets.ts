import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { legalCloseCode, legalCloseReason } from "../../shared/close-code.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { ClientSocket } from "../tunnel/handlers.ts";

/** A client that answers no ping for this long is gone; its half-open socket is cut. */
const PING_INTERVAL_MS = 25_000;

/** The WebSockets of our own port: opens, watches and ends them. */
export class WebSockets implements Disposable {
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    // Compression costs memory for every socket and leaks secrets beside attacker-chosen text.
    perMessageDeflate: false,
    maxPayload: LIMITS.maxWebSocketMessageBytes,
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
      take(toClientSocket(webSocket));
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

function toClientSocket(webSocket: WebSocket): ClientSocket {
  return {
    send(message) {
      if (webSocket.readyState === WebSocket.OPEN) webSocket.send(message);
    },
    close(code, reason) {
      webSocket.close(legalCloseCode(code), legalCloseReason(reason));
    },
    get bufferedBytes() {
      return webSocket.bufferedAmount;
    },
    listen(listener) {
      webSocket.on("message", (data, isBinary) => {
        const bytes = bytesOf(data);
        listener.onMessage(isBinary ? bytes : bytes.toString("utf8"));
      });
      webSocket.on("close", (code, reason) => listener.onClose(code, reason.toString("utf8")));
    },
  };
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
