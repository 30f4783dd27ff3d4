import { type Frame, HEADER_BYTES } from "./frame.ts";
import type { Stream } from "./stream.ts";
import type { SendWindow } from "./window.ts";

/** What a stream may send before it is another's turn. */
const QUANTUM_BYTES = 64 * 1024;

/** Of each message, for the others while urgent streams have more to say than fits: or they starve. */
const BULK_SHARE = 1 / 4;

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
    // A Set keeps the order of insertion: taken out and put back is the end of the line.
    for (const stream of turn) {
      const bytes = Math.min(left - HEADER_BYTES, QUANTUM_BYTES, connection.available);
      if (left <= HEADER_BYTES) break;
      turn.delete(stream);
      const out = stream.next(bytes);
      if (out === undefined) {
        // Out of the connection's credit, not of its own: it keeps its place.
        if (bytes === 0) turn.add(stream);
        if (connection.available === 0) break;
        continue;
      }
      connection.take(out.payload.byteLength);
      batch.push(out);
      left -= HEADER_BYTES + out.payload.byteLength;
      if (!stream.over && stream.queued) turn.add(stream);
    }
    return left;
  }
}
