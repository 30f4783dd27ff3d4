/** Bodies between web streams and tunnel streams, with back-pressure both ways. */
import { concat } from "../bytes.ts";
import type { Stream } from "./stream.ts";

/** A writer waits once this much of its body is queued: enough to keep the socket busy. */
const QUEUE_BYTES = 128 * 1024;

/**
 * Sends a body and ends the direction. Settles when all is queued, or `signal` aborts because
 * nobody listens any more; then the source is cancelled. When the peer wants no more (STOP), the
 * rest is cancelled too, or read away.
 *
 * @throws Whatever the source failed with: the caller resets the stream.
 */
export async function sendBody(
  source: ReadableStream<Uint8Array>,
  stream: Stream,
  signal: AbortSignal,
  rest: "cancel" | "discard",
): Promise<void> {
  const reader = source.getReader();
  // A source that is silent would not notice otherwise that nobody listens any more.
  const onAbort = (): void => {
    reader.cancel(signal.reason).catch(() => undefined);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    while (!stream.over && !stream.stopped) {
      const { done, value } = await reader.read();
      if (done) {
        stream.end();
        return;
      }
      stream.write(value);
      if (stream.queuedBytes >= QUEUE_BYTES) await stream.drained();
    }
    if (rest === "discard") await discard(reader);
    else await reader.cancel();
  } finally {
    signal.removeEventListener("abort", onAbort);
    reader.releaseLock();
  }
}

/**
 * Reads what nobody wants. A client whose upload is cut off may never see the answer that came
 * before its end: the unread rest resets the connection.
 */
async function discard(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  for (;;) {
    const { done } = await reader.read();
    if (done) return;
  }
}

/**
 * Collects the body of a stream and gives it away as a web stream, or at once when all of it has
 * come. Credit is granted as the reader takes it, never on receipt.
 */
export class IncomingBody {
  readonly #stream: Stream;
  readonly #onCancel: () => void;
  #chunks: Uint8Array[] = [];
  #ended = false;
  #failure: Error | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #wanted = false;

  /** @param onCancel - The reader went away before the end. */
  constructor(stream: Stream, onCancel: () => void) {
    this.#stream = stream;
    this.#onCancel = onCancel;
  }

  /** Everything has come. */
  get complete(): boolean {
    return this.#ended;
  }

  /** Bytes that came and were not taken. */
  get bytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  }

  push(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#chunks.push(chunk);
    this.#serve();
  }

  end(): void {
    this.#ended = true;
    this.#serve();
  }

  /** The rest will not come: the reader must see an error, not a clean end. */
  fail(failure: Error): void {
    if (this.#ended) return;
    this.#failure = failure;
    this.#chunks = [];
    this.#controller?.error(failure);
  }

  /** The whole body; only once it is `complete`. */
  take(): Uint8Array<ArrayBuffer> {
    const chunks = this.#chunks;
    this.#chunks = [];
    const whole = concat(chunks);
    this.#stream.consume(whole.byteLength);
    return whole;
  }

  /** Nobody will read it. */
  refuse(): void {
    this.#ended = true;
    this.#chunks = [];
    this.#stream.stop();
  }

  /** The body as it comes. Call it once. */
  toWeb(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          if (this.#failure !== undefined) controller.error(this.#failure);
        },
        pull: () => {
          this.#wanted = true;
          this.#serve();
        },
        cancel: () => {
          // What crosses the cancel must not touch a stream that is closed: that throws.
          this.#controller = undefined;
          this.#ended = true;
          this.#chunks = [];
          this.#onCancel();
        },
      },
      // Nothing is taken ahead of the reader: what waits, waits in the window.
      { highWaterMark: 0 },
    );
  }

  #serve(): void {
    const controller = this.#controller;
    if (controller === undefined || this.#failure !== undefined) return;
    if (this.#wanted && this.#chunks.length > 0) {
      this.#wanted = false;
      const chunks = this.#chunks;
      this.#chunks = [];
      const [only] = chunks;
      const piece = chunks.length === 1 && only !== undefined ? only : concat(chunks);
      controller.enqueue(piece);
      this.#stream.consume(piece.byteLength);
    }
    if (this.#ended && this.#chunks.length === 0) {
      this.#controller = undefined;
      controller.close();
    }
  }
}
