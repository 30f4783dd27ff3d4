import { type Frame, HEADER_BYTES } from "./frame.ts";
import type { Stream } from "./stream.ts";
import type { SendWindow } from "./window.ts";

/** What a stream may send before it is another's turn. */
const QUANTUM_BYTES = 64 * 1024;

/** Of each message, for the others while urgent streams have more to say than fits: or they starve. */
const BULK_SHARE = 1 / 4;

/**
 * Of the connection's credit, for urgent streams, or many slow readers of long answers could hold
 * all of it; and half of that for those that have said little so far.
 */
const CREDIT_SHARE = 1 / 4;

/** Whose turn it is: urgent streams first, the others round about, one frame each. */
export class Scheduler {
  readonly #urgent = new Set<Stream>();
  readonly #bulk = new Set<Stream>();

  add(stream: Stream): void {
    (stream.urgent ? this.#urgent : this.#bulk).add(stream);
  }

  remove(stream: Stream): void {
    this.#urgent.delete(stream);
    this.#bulk.delete(stream);
  }

  /**
   * Adds frames to `batch` until `room` bytes, the connection's credit or the streams are used up.
   * A stream without credit is dropped here and comes back with its grant.
   */
  takeTurns(batch: Frame[], room: number, connection: SendWindow): void {
    const kept = this.#bulk.size > 0 ? Math.floor(room * BULK_SHARE) : 0;
    const left = this.#takeFrom(this.#urgent, batch, room - kept, connection);
    this.#takeFrom(this.#bulk, batch, left + kept, connection);
  }

  #takeFrom(turn: Set<Stream>, batch: Frame[], room: number, connection: SendWindow): number {
    let left = room;
    const waiting: Stream[] = [];
    // A Set keeps the order of insertion: taken out and put back is the end of the line.
    for (const stream of turn) {
      const credit = Math.max(0, connection.available - keptFrom(stream, connection));
      const bytes = Math.min(left - HEADER_BYTES, QUANTUM_BYTES, credit);
      if (left <= HEADER_BYTES) break;
      turn.delete(stream);
      const out = stream.next(bytes);
      if (out === undefined) {
        // Out of the connection's credit, not of its own.
        if (bytes === 0) waiting.push(stream);
        continue;
      }
      connection.take(out.payload.byteLength);
      batch.push(out);
      left -= HEADER_BYTES + out.payload.byteLength;
      if (!stream.over && stream.queued) turn.add(stream);
    }
    if (waiting.length > 0) putFirst(turn, waiting);
    return left;
  }
}

/** Who waits for the connection's credit keeps its place. */
function putFirst(turn: Set<Stream>, waiting: readonly Stream[]): void {
  const others = [...turn];
  turn.clear();
  for (const stream of [...waiting, ...others]) turn.add(stream);
}

/** What a stream leaves of the connection's credit for those that go before it. */
function keptFrom(stream: Stream, { widest }: SendWindow): number {
  if (stream.urgent) return 0;
  const share = stream.sentBytes < QUANTUM_BYTES ? CREDIT_SHARE / 2 : CREDIT_SHARE;
  return Math.floor(widest * share);
}
