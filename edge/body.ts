import { concat } from "../shared/bytes.ts";
import { LIMITS } from "../shared/limits.ts";
import { within } from "./deadline.ts";
import { bodyTooLarge } from "./middleware/limits.ts";

/**
 * The whole body.
 *
 * @throws GatewayError `too_large` as soon as it is longer than `maxBytes`. The rest is left for
 *   `discardBody`.
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  if (body !== null) {
    for await (const part of body.values({ preventCancel: true })) {
      bytes += part.byteLength;
      if (bytes > maxBytes) throw bodyTooLarge(maxBytes);
      parts.push(part);
    }
  }
  return concat(parts);
}

export interface CappedBody {
  readonly body: ReadableStream<Uint8Array>;
  /** True once more than the limit has come: then `body` has failed. */
  readonly exceeded: boolean;
}

/** Passes a body of unknown length on as it comes, and fails it at the limit. */
export function capBody(body: ReadableStream<Uint8Array>, maxBytes: number): CappedBody {
  let bytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(part, controller) {
      bytes += part.byteLength;
      if (bytes > maxBytes) controller.error(bodyTooLarge(maxBytes));
      else controller.enqueue(part);
    },
  });
  return {
    body: body.pipeThrough(counter, { preventCancel: true }),
    get exceeded() {
      return bytes > maxBytes;
    },
  };
}

/** What is read of a refused body: more than any honest client sends by mistake. */
const MAX_DISCARD_BYTES = 2 * LIMITS.maxRequestBodyBytes;
const MAX_DISCARD_MS = 5_000;
const DISCARD_AT_ONCE_BYTES = 256 * 1024;

/**
 * Reads what is left of a refused body. workerd closes a connection on which it has answered
 * before it got the whole request, and a client that is still sending then sees a broken
 * connection instead of the answer.
 */
export async function discardBody(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body === null || body.locked) return;
  try {
    await within(readAway(body), MAX_DISCARD_MS);
  } catch {
    // The client has gone, or takes its time: it gets the answer, or not, as it is.
  }
}

async function readAway(body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader({ mode: "byob" });
  let view = new Uint8Array(DISCARD_AT_ONCE_BYTES);
  let bytes = 0;
  while (bytes < MAX_DISCARD_BYTES) {
    const part = await reader.read(view);
    if (part.done) return;
    bytes += part.value.byteLength;
    view = new Uint8Array(part.value.buffer);
  }
}
