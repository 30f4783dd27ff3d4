/** What one end has to say, in the order it leaves: control frames, then streams by turns. */
import { LIMITS } from "../limits.ts";
import { encodeFrames, type Frame, HEADER_BYTES } from "./frame.ts";
import { Scheduler } from "./scheduler.ts";
import type { Stream } from "./stream.ts";
import type { SendWindow } from "./window.ts";

export interface Wire {
  /** Sends one message. The bytes are not touched again. */
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Bytes sent that have not left the machine yet; 0 where the runtime cannot tell. */
  bufferedBytes(): number;
  /** Calls back once, when the current turn of the event loop ends. */
  defer(flush: () => void): void;
}

/** Above this many unsent bytes in the socket, data waits here, where urgent streams can overtake it. */
const HIGH_WATER_BYTES = 2 * LIMITS.maxMessageBytes;
/** Control frames waiting: a peer that makes us owe more than this is not well. */
const MAX_CONTROL_FRAMES = 4_096;

export class Sender {
  readonly #wire: Wire;
  readonly #scheduler = new Scheduler();
  #window: SendWindow;
  #control: Frame[] = [];
  #flushing = false;
  #stopped = false;
  #blocked = false;

  constructor(wire: Wire, window: SendWindow) {
    this.#wire = wire;
    this.#window = window;
  }

  /** @returns False when the queue is full: the connection cannot go on. */
  control(frame: Frame): boolean {
    if (this.#stopped) return true;
    this.#control.push(frame);
    this.#wake();
    return this.#control.length <= MAX_CONTROL_FRAMES;
  }

  /** The stream has something to send, and credit for it perhaps. */
  activate(stream: Stream): void {
    this.#scheduler.add(stream);
    this.#wake();
  }

  forget(stream: Stream): void {
    this.#scheduler.remove(stream);
  }

  /** Up to this offset of the whole connection. */
  grant(limit: number): void {
    this.#window.grant(limit);
    this.#wake();
  }

  /** Sends what may be sent now; call it again when the socket has room, if it had none. */
  flush(): void {
    this.#flushing = false;
    this.#blocked = false;
    while (!this.#stopped) {
      if (this.#wire.bufferedBytes() >= HIGH_WATER_BYTES) {
        this.#blocked = true;
        return;
      }
      const batch = this.#nextBatch();
      if (batch.length === 0) return;
      this.#wire.send(encodeFrames(batch));
    }
  }

  /** The last flush ended because the socket was full. */
  get blocked(): boolean {
    return this.#blocked && !this.#stopped;
  }

  /** Says one last thing, if any, and nothing ever after. */
  stop(last?: Frame): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#control = [];
    if (last !== undefined) this.#wire.send(encodeFrames([last]));
  }

  #wake(): void {
    if (this.#flushing || this.#stopped) return;
    this.#flushing = true;
    this.#wire.defer(() => this.flush());
  }

  #nextBatch(): Frame[] {
    const batch: Frame[] = [];
    let room: number = LIMITS.maxMessageBytes;
    for (const frame of this.#control) {
      const size = HEADER_BYTES + frame.payload.byteLength;
      if (size > room) break;
      batch.push(frame);
      room -= size;
    }
    const all = batch.length === this.#control.length;
    this.#control = all ? [] : this.#control.slice(batch.length);
    // Data may not overtake a head of its own stream that is still in line.
    if (all) this.#scheduler.takeTurns(batch, room, this.#window);
    return batch;
  }
}
