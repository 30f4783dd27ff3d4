import { Flag, FrameType } from "./frame.ts";

/** What a stream has to send, in order. */
interface Entry {
  readonly type: typeof FrameType.data | typeof FrameType.wsMessage | typeof FrameType.wsState;
  /** Set on every frame: TEXT. */
  readonly flags: number;
  /** Set on the last frame only: END or FIN. */
  readonly lastFlags: number;
  /** Set on the last frame only: the number of the message this one answers. */
  readonly lastExt: number;
  readonly bytes: Uint8Array;
}

/** What goes into one frame. */
interface Piece extends Pick<Entry, "type" | "flags" | "bytes"> {
  readonly ext: number;
}

const NOTHING = new Uint8Array(0);

/** Bytes of one stream that wait for their turn. Has no bound of its own: its writer minds `bytes`. */
export class SendQueue {
  #entries: Entry[] = [];
  #offset = 0;
  #bytes = 0;

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  pushData(bytes: Uint8Array): void {
    this.#push({ type: FrameType.data, flags: 0, lastFlags: 0, lastExt: 0, bytes });
  }

  pushEnd(): void {
    const lastFlags = Flag.end;
    this.#push({ type: FrameType.data, flags: 0, lastFlags, lastExt: 0, bytes: NOTHING });
  }

  pushMessage(bytes: Uint8Array, text: boolean, lastExt = 0): void {
    const flags = text ? Flag.text : 0;
    this.#push({ type: FrameType.wsMessage, flags, lastFlags: Flag.fin, lastExt, bytes });
  }

  /** In line with the messages, so that it is never ahead of what they have said. */
  pushState(bytes: Uint8Array): void {
    this.#push({ type: FrameType.wsState, flags: 0, lastFlags: Flag.fin, lastExt: 0, bytes });
  }

  /** The next piece of at most `maxBytes`, or undefined when there is none that small. */
  take(maxBytes: number): Piece | undefined {
    const [entry] = this.#entries;
    if (entry === undefined) return undefined;
    const left = entry.bytes.byteLength - this.#offset;
    const size = Math.min(left, maxBytes);
    if (size === 0 && left > 0) return undefined;
    const bytes = entry.bytes.subarray(this.#offset, this.#offset + size);
    const last = size === left;
    if (last) this.#entries.shift();
    this.#offset = last ? 0 : this.#offset + size;
    this.#bytes -= size;
    const { type, flags, lastFlags, lastExt } = entry;
    return last
      ? { type, flags: flags | lastFlags, ext: lastExt, bytes }
      : { type, flags, ext: 0, bytes };
  }

  clear(): void {
    this.#entries = [];
    this.#offset = 0;
    this.#bytes = 0;
  }

  #push(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes.byteLength;
  }
}
