import { legalCloseCode, legalCloseReason } from "../../../shared/close-code.ts";
import { ResetCode } from "../../../shared/tunnel/frame.ts";
import type { Stream } from "../../../shared/tunnel/stream.ts";
import { receiptOf } from "../../../shared/tunnel/stream-event.ts";
import type { ClientSocket, Receipt, SocketListener } from "../handlers.ts";

export interface TunnelSocketOptions {
  /** The relay keeps each message until it hears that we are done with it. */
  readonly survives: boolean;
  /** The peer, or the loss of the connection, has cut the stream. */
  onReset(code: number): void;
  onClosed(): void;
}

/** A client's WebSocket that ends at the edge, as one stream of the tunnel. */
export class TunnelSocket implements ClientSocket {
  readonly #stream: Stream;
  readonly #options: TunnelSocketOptions;
  #received = 0;
  #closed = false;

  constructor(stream: Stream, options: TunnelSocketOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  get bufferedBytes(): number {
    return this.#stream.queuedBytes;
  }

  send(message: string | Uint8Array): void {
    this.#stream.sendMessage(message);
  }

  close(code: number, reason: string): void {
    // 1005 says that there was none, and so does 0 on the wire.
    if (code === 1005) this.#stream.sendClose(0, "");
    else this.#stream.sendClose(legalCloseCode(code), legalCloseReason(reason));
  }

  drained(): Promise<void> | undefined {
    return this.#stream.drained();
  }

  keep(state: string): void {
    if (this.#options.survives) this.#stream.keepState(state);
  }

  listen(listener: SocketListener): void {
    const { survives } = this.#options;
    this.#stream.listen((event) => {
      if (event.type === "message") {
        this.#received += 1;
        const number = survives ? receiptOf(this.#received) : 0;
        const receipt = new TunnelReceipt(this.#stream, number, event.bytes);
        listener.onMessage(event.message, receipt);
      } else if (event.type === "close") {
        // Answered, so that the stream ends on both sides. 0: the client gave no code.
        this.#stream.sendClose(event.code, event.reason);
        this.#over(listener, event.code === 0 ? 1005 : event.code, event.reason);
      } else if (event.type === "reset") {
        this.#options.onReset(event.code);
        this.#over(listener, event.code === ResetCode.tooLarge ? 1009 : 1006, event.reason);
      }
    });
  }

  #over(listener: SocketListener, code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClosed();
    listener.onClose(code, reason);
  }
}

/** Room for the client's next messages comes with the word about this one. */
class TunnelReceipt implements Receipt {
  readonly #stream: Stream;
  /** 0: the relay does not keep it and wants no word. */
  readonly #number: number;
  readonly #bytes: number;
  #used = false;

  constructor(stream: Stream, number: number, bytes: number) {
    this.#stream = stream;
    this.#number = number;
    this.#bytes = bytes;
  }

  answer(message: string | Uint8Array): void {
    this.#stream.sendMessage(message, this.#use() ? this.#number : 0);
  }

  done(): void {
    if (this.#use() && this.#number > 0) this.#stream.acknowledge(this.#number);
  }

  #use(): boolean {
    if (this.#used) return false;
    this.#used = true;
    this.#stream.consume(this.#bytes);
    return true;
  }
}
