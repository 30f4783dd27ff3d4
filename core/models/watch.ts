/**
 * Watches one HTTP exchange with a provider, byte by byte: silence and excess end it.
 *
 * It sits below the SDKs, in the `fetch` they are given, because they swallow pings and comments:
 * above them a model that thinks for two minutes looks like one that hangs.
 */
import type { ModelFault } from "./failure.ts";
import type { ModelTimeouts } from "./settings.ts";

/** 128 k tokens at the 300 bytes that one token takes on the wire are 38 MB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** A refusal's body: both vendors stay below 2 KiB, a proxy's error page below this. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** How much of the end is kept to look for the end marker in: longer than any marker. */
const TAIL_BYTES = 64;

/**
 * What may follow the end marker, and for how long: the last chunk of an HTTP/1.1 body often comes
 * a moment after it, and a connection left before that is lost for the next request.
 */
const MAX_DRAIN_BYTES = 4 * 1024;
const MAX_DRAIN_MS = 1_000;

export class Watch {
  readonly #abort = new AbortController();
  readonly #timeouts: ModelTimeouts;
  readonly #endMarker: RegExp | undefined;
  readonly #caller: AbortSignal;
  readonly #onCallerAbort = () => this.#end({ kind: "canceled" });
  #timer: NodeJS.Timeout | undefined;
  #fault: ModelFault | undefined;
  #tail = "";
  #marked = false;

  /** @param endMarker - What a complete body has near its end, where the protocol has such a thing. */
  constructor(caller: AbortSignal, timeouts: ModelTimeouts, endMarker?: RegExp) {
    this.#caller = caller;
    this.#timeouts = timeouts;
    this.#endMarker = endMarker;
    caller.addEventListener("abort", this.#onCallerAbort, { once: true });
    if (caller.aborted) this.#onCallerAbort();
  }

  /** Give it to the SDK with the request: aborted by the caller, and by whatever ends the watch. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Why the watch ended the exchange; undefined when it did not. */
  get fault(): ModelFault | undefined {
    return this.#fault;
  }

  /** True once the end marker went by. */
  get marked(): boolean {
    return this.#marked;
  }

  /** Give it to the SDK as its `fetch`, for one request. */
  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    this.#wait(this.#timeouts.firstByteMs);
    // A redirect would carry the conversation to a host that nobody configured.
    const response = await fetch(input, { ...init, redirect: "manual" });
    if (response.body === null) return response;
    return new Response(this.#watched(response.body.getReader(), response.ok), {
      status: response.status,
      headers: response.headers,
    });
  };

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#caller.removeEventListener("abort", this.#onCallerAbort);
  }

  #watched(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    isAnswer: boolean,
  ): ReadableStream<Uint8Array> {
    let received = 0;
    const limit = isAnswer ? MAX_ANSWER_BYTES : MAX_REFUSAL_BYTES;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          // Only a read that waits can be kept waiting: a slow client is not a silent provider.
          if (received > 0) this.#wait(this.#timeouts.idleMs);
          const { done, value } = await reader.read();
          clearTimeout(this.#timer);
          if (done) {
            controller.close();
            return;
          }
          this.#look(value);
          received += value.byteLength;
          if (received <= limit) controller.enqueue(value);
          else if (isAnswer) {
            this.#end({ kind: "too_large" });
            // A pull that brings nothing is not repeated: without this the reader waits for ever.
            controller.error(this.#abort.signal.reason);
          } else {
            // The status says enough: what there is of a refusal's body may end here.
            controller.close();
            await reader.cancel();
          }
        },
        cancel: async (reason) => {
          // The SDK stops reading for one of two reasons: the end mark, or a caller who left.
          if (!this.#marked) return reader.cancel(reason);
          // Nobody waits for it, and how it ends changes nothing but the connection's fate.
          drain(reader).catch(() => undefined);
        },
      },
      { highWaterMark: 0 },
    );
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end({ kind: "silent", afterMs: ms }), ms);
  }

  #look(chunk: Uint8Array): void {
    if (this.#endMarker === undefined || this.#marked) return;
    this.#tail += Buffer.from(chunk.subarray(-TAIL_BYTES)).toString("latin1");
    this.#marked = this.#endMarker.test(this.#tail);
    this.#tail = this.#tail.slice(-TAIL_BYTES);
  }

  #end(fault: ModelFault): void {
    this.#fault ??= fault;
    this.#abort.abort();
  }
}

/** Reads what is left of a body that is as good as over, or gives it up. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => {
    reader.cancel().catch(() => undefined);
  }, MAX_DRAIN_MS);
  try {
    for (let left = MAX_DRAIN_BYTES; left > 0;) {
      const { done, value } = await reader.read();
      if (done) return;
      left -= value.byteLength;
    }
    await reader.cancel();
  } finally {
    clearTimeout(timer);
  }
}
