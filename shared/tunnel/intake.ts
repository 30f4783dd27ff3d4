import { LIMITS } from "../limits.ts";
import { ReceiveWindow, type ReceiveWindowState } from "./window.ts";

interface IntakeHost {
  /** Back to the connection's credit. */
  consumed(bytes: number): void;
  now(): number;
}

/** What has come in on one stream and waits for its reader, on the stream's credit and the connection's. */
export class Intake {
  readonly #host: IntakeHost;
  readonly #window: ReceiveWindow;
  /** Of a message that has come in part: what this stream's credit still counts. */
  #partial = 0;
  /** Held, and given back to the connection's credit already. */
  #ahead = 0;

  /** @param ahead - As `ahead` was before the relay slept. */
  constructor(host: IntakeHost, state?: ReceiveWindowState, ahead = 0) {
    this.#host = host;
    this.#ahead = ahead;
    const { streamWindowBytes, maxStreamWindowBytes } = LIMITS;
    this.#window = new ReceiveWindow(streamWindowBytes, maxStreamWindowBytes, state);
  }

  /** Of what is held, given back to the connection's credit already. */
  get ahead(): number {
    return this.#ahead;
  }

  get state(): ReceiveWindowState {
    return this.#window.state;
  }

  /** False when the peer sent more than it was allowed: a protocol error. */
  receive(bytes: number): boolean {
    return this.#window.receive(bytes);
  }

  /** The reader took `bytes`. @returns The new limit to grant, if it is due. */
  consume(bytes: number): number | undefined {
    const ahead = Math.min(bytes, this.#ahead);
    this.#ahead -= ahead;
    this.#host.consumed(bytes - ahead);
    return this.#window.consume(bytes, this.#host.now());
  }

  /**
   * A piece of a message that has more to come. A message may be longer than any window: what goes
   * beyond half of it counts as read, so that there is a grant.
   *
   * @returns The new limit to grant, if it is due.
   */
  addPart(bytes: number): number | undefined {
    // Unfinished messages could hold all of the connection's credit, and none could ever end.
    this.#host.consumed(bytes);
    this.#ahead += bytes;
    this.#partial += bytes;
    const excess = this.#partial - Math.floor(this.#window.size / 2);
    if (excess <= 0) return undefined;
    this.#partial -= excess;
    return this.consume(excess);
  }

  /** The last piece has come. @returns What the whole message is to be consumed as. */
  endParts(bytes: number): number {
    const held = this.#partial + bytes;
    this.#partial = 0;
    return held;
  }

  /** Nobody reads these bytes; their credit goes back to the connection alone. */
  discard(bytes: number): void {
    this.#host.consumed(bytes);
    this.#window.consume(bytes, this.#host.now());
  }

  /** Nobody reads what is held. */
  discardAll(): void {
    const { held } = this.#window;
    this.#host.consumed(held - this.#ahead);
    this.#window.consume(held, this.#host.now());
    this.#ahead = 0;
    this.#partial = 0;
  }
}
