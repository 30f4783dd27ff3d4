import type { SocketLike } from "../../shared/resume/socket-like.ts";
import type { Message } from "./resume-stream.ts";

interface ClientEvent {
  readonly data: unknown;
  readonly code: number;
  readonly reason: string;
}

/** A client's socket as the client has it. */
export class ClientEnd implements SocketLike {
  readonly #listeners = new Map<string, ((event: ClientEvent) => void)[]>();
  binaryType = "blob";
  protocol = "";
  readyState = 0;
  readonly bufferedAmount = 0;
  readonly offered: readonly string[];
  readonly outgoing: Message[] = [];
  readonly incoming: (() => void)[] = [];
  closing = false;

  constructor(offered: readonly string[]) {
    this.offered = offered;
  }

  addEventListener(type: string, listener: (event: ClientEvent) => void): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.readyState === 1) this.outgoing.push(typeof data === "string" ? data : data.slice());
  }

  close(): void {
    this.closing = true;
  }

  opened(protocol: string): void {
    this.protocol = protocol;
    this.readyState = 1;
    this.#tell("open", {});
  }

  message(message: Message): void {
    const data = typeof message === "string" ? message : message.slice().buffer;
    this.#tell("message", { data });
  }

  closed(code: number, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.#tell("close", { code, reason });
  }

  #tell(type: string, event: Partial<ClientEvent>): void {
    const whole = { data: undefined, code: 0, reason: "", ...event };
    for (const listener of this.#listeners.get(type) ?? []) listener(whole);
  }
}
