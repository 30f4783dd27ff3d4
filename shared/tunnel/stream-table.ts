import { LIMITS } from "../limits.ts";
import type { StreamKind } from "./frame.ts";
import type { Stream } from "./stream.ts";

/** The streams of a session, and how many each side has open. */
export class StreamTable {
  readonly #streams = new Map<number, Stream>();
  /** Requests and deliveries by the parity of their id; WebSockets are counted apart. */
  readonly #work: [number, number] = [0, 0];
  readonly #sockets: [number, number] = [0, 0];
  #requests = 0;

  get(id: number): Stream | undefined {
    return this.#streams.get(id);
  }

  add(stream: Stream): Stream {
    this.#streams.set(stream.id, stream);
    this.#count(stream, 1);
    return stream;
  }

  remove(stream: Stream): void {
    if (this.#streams.delete(stream.id)) this.#count(stream, -1);
  }

  /**
   * Whether its opener may open one more like it. WebSockets are counted apart: many idle ones must
   * not keep requests out.
   */
  hasRoom(kind: StreamKind, id: number, maxStreams: number): boolean {
    const most = kind === "websocket" ? LIMITS.maxSockets : maxStreams;
    return this.#counters(kind)[parity(id)] < most;
  }

  /** Requests under way, of both sides. */
  get requests(): number {
    return this.#requests;
  }

  /** Requests and deliveries under way, of both sides. */
  get busy(): number {
    return this.#work[0] + this.#work[1];
  }

  all(): Iterable<Stream> {
    return this.#streams.values();
  }

  #counters(kind: StreamKind): [number, number] {
    return kind === "websocket" ? this.#sockets : this.#work;
  }

  #count(stream: Stream, step: number): void {
    this.#counters(stream.kind)[parity(stream.id)] += step;
    if (stream.kind === "http") this.#requests += step;
  }
}

function parity(id: number): 0 | 1 {
  return (id & 1) === 1 ? 1 : 0;
}
