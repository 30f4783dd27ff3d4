import { legalCloseCode, legalCloseReason } from "../../shared/close-code.ts";
import { ResetCode } from "../../shared/tunnel/frame.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import type { ClientSocket, SocketListener } from "./handlers.ts";

/** A client's WebSocket that ends at the edge, as one stream of the tunnel. */
export class TunnelSocket implements ClientSocket {
  readonly #stream: Stream;
  #closed = false;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  get bufferedBytes(): number {
    return this.#stream.queuedBytes;
  }

  send(message: string | Uint8Array): void {
    this.#stream.sendMessage(message);
  }

  close(code: number, reason: string): void {
    this.#stream.sendClose(legalCloseCode(code), legalCloseReason(reason));
  }

  listen(listener: SocketListener): void {
    const closed = (code: number, reason: string): void => {
      if (this.#closed) return;
      this.#closed = true;
      listener.onClose(code, reason);
    };
    this.#stream.listen((event) => {
      if (event.type === "message") {
        listener.onMessage(event.message);
      } else if (event.type === "close") {
        // Answered, so that the stream ends on both sides. 0: the client gave no code.
        this.#stream.sendClose(event.code, event.reason);
        closed(event.code === 0 ? 1005 : event.code, event.reason);
      } else if (event.type === "reset") {
        closed(event.code === ResetCode.tooLarge ? 1009 : 1006, event.reason);
      }
    });
  }
}
