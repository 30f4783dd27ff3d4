import type { ClientSocket, Receipt, SocketListener } from "../../core/tunnel/handlers.ts";

/** What a relay holds of a client, and would hand to the next core: in order, as on the wire. */
export class EdgeSocket implements ClientSocket {
  readonly bufferedBytes = 0;
  /** Frames that reached the client. */
  readonly heard: unknown[] = [];
  /** Messages that no core has dealt with yet. */
  readonly unanswered: string[] = [];
  kept = "";
  closed: readonly [number, string] | undefined;
  #listener: SocketListener | undefined;
  #cut = false;

  send(message: string | Uint8Array): void {
    if (!this.#cut) this.heard.push(JSON.parse(String(message)));
  }

  close(code: number, reason: string): void {
    if (!this.#cut) this.closed = [code, reason];
  }

  drained(): undefined {
    return undefined;
  }

  keep(state: string): void {
    if (!this.#cut) this.kept = state;
  }

  listen(listener: SocketListener): void {
    this.#listener = listener;
    for (const message of this.unanswered) this.#deliver(message);
  }

  /** The client sends something. */
  say(frame: unknown): void {
    const message = JSON.stringify(frame);
    this.unanswered.push(message);
    this.#deliver(message);
  }

  /** Its core dies: nothing of it reaches the client or the relay any more. */
  cut(): void {
    this.#cut = true;
  }

  /** The same client for the next core, with what it still waits for. */
  next(): EdgeSocket {
    const next = new EdgeSocket();
    next.heard.push(...this.heard);
    next.unanswered.push(...this.unanswered);
    next.kept = this.kept;
    return next;
  }

  #deliver(message: string): void {
    const done = (): void => {
      const index = this.unanswered.indexOf(message);
      if (!this.#cut && index >= 0) this.unanswered.splice(index, 1);
    };
    const receipt: Receipt = {
      answer: (answer) => {
        this.send(answer);
        done();
      },
      done,
    };
    this.#listener?.onMessage(message, receipt);
  }
}
