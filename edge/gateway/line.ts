import { CloseCode, legalCloseCode, legalCloseReason } from "../../shared/close-code.ts";
import { bufferedBytes } from "../durable/core-link.ts";
import { type Behind, Outflow } from "../durable/outflow.ts";

export type Message = string | ArrayBuffer;

/** Where what comes over a line goes. */
export interface Taker {
  onMessage(message: Message): void;
  /** @param code - 1006 when the other side was lost. Called once. */
  onClose(code: number, reason: string): void;
}

/** No client may say more than its `connect` before it is greeted; one in a hurry says little. */
const MAX_EARLY_BYTES = 64 * 1024;
const MAX_EARLY_MESSAGES = 16;

/**
 * One WebSocket that ends in this Worker, a client's or a relay's. What comes before anybody takes
 * it waits, within bounds. Closed once, by whoever is first.
 */
export class Line {
  readonly #socket: WebSocket;
  readonly #outflow: Outflow;
  #taker: Taker | undefined;
  #early: Message[] = [];
  #earlyBytes = 0;
  #ended: { readonly code: number; readonly reason: string } | undefined;
  #closed = false;
  readonly #gone = new AbortController();

  /** @param behind - What the lines of this isolate have not got rid of yet, together. */
  constructor(socket: WebSocket, behind: Behind) {
    this.#socket = socket;
    this.#outflow = new Outflow(
      () => bufferedBytes(socket),
      behind,
      // The other side of the pipe hears of it as of any other end.
      () => this.#end(CloseCode.tryLater, "slow consumer"),
    );
    socket.binaryType = "arraybuffer";
    socket.accept();
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", ({ code, reason }) => this.#end(code, reason));
    socket.addEventListener("error", () => this.#end(1006, ""));
  }

  /** Aborts when it is over, whoever has ended it. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  send(message: Message): void {
    if (this.#closed) return;
    const send = (): void => {
      try {
        this.#socket.send(message);
      } catch {
        // Closing on the other side: its `close` follows.
      }
    };
    this.#outflow.push(send, () => undefined);
  }

  /** @param code - Also one that only describes: the other side gets what stands for it. */
  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gone.abort();
    this.#outflow.stop();
    try {
      if (code === 1005) this.#socket.close();
      else this.#socket.close(legalCloseCode(code), legalCloseReason(reason));
    } catch {
      // Gone already.
    }
  }

  /** From now on everything goes to `taker`, what has come before first. */
  take(taker: Taker): void {
    this.#taker = taker;
    while (this.#taker === taker) {
      const message = this.#early.shift();
      if (message === undefined) break;
      taker.onMessage(message);
    }
    this.#earlyBytes = 0;
    if (this.#ended !== undefined) taker.onClose(this.#ended.code, this.#ended.reason);
  }

  /** Lets what comes wait again. */
  hold(): void {
    this.#taker = undefined;
  }

  #receive(data: unknown): void {
    if (this.#closed) return;
    const message = typeof data === "string" || data instanceof ArrayBuffer ? data : "";
    if (this.#taker !== undefined) {
      this.#taker.onMessage(message);
      return;
    }
    this.#early.push(message);
    this.#earlyBytes += typeof message === "string" ? message.length : message.byteLength;
    if (this.#earlyBytes > MAX_EARLY_BYTES || this.#early.length > MAX_EARLY_MESSAGES) {
      this.#early = [];
      this.#end(CloseCode.policy, "too much before the greeting");
    }
  }

  #end(code: number, reason: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = { code, reason };
    // Answered with the same: the runtime does not do it for us.
    this.close(code, reason);
    this.#taker?.onClose(code, reason);
  }
}
