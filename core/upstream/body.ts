import type { ClientRequest, IncomingMessage } from "node:http";
import { once } from "node:events";
import { GatewayError } from "../../shared/errors.ts";

/** An answer's body as it comes; the reader's pace is the upstream's. */
export function bodyOf(incoming: IncomingMessage, onOver: () => void): ReadableStream<Uint8Array> {
  const parts: AsyncIterator<Uint8Array> = incoming[Symbol.asyncIterator]();
  async function next(): Promise<IteratorResult<Uint8Array>> {
    try {
      const result = await parts.next();
      if (result.done === true) onOver();
      return result;
    } catch (cause) {
      onOver();
      throw new GatewayError("core_lost", "The upstream cut its answer short", { cause });
    }
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel() {
        // Not by `return()`, which would wait for the next bytes of an upstream that is silent.
        incoming.destroy();
        onOver();
      },
    },
    // Nothing is read ahead: what waits, waits in the socket.
    { highWaterMark: 0 },
  );
}

/**
 * Sends a body on. Settles when the upstream has all of it, wants no more of it, or `signal`
 * aborts; then the rest is not read.
 *
 * @throws Whatever the source failed with: the upload is not whole.
 */
export async function upload(
  source: ReadableStream<Uint8Array>,
  outgoing: ClientRequest,
  signal: AbortSignal,
): Promise<void> {
  const reader = source.getReader();
  const leave = (): void => {
    // Its rejection could only say what we know: nobody reads any more.
    reader.cancel().catch(() => undefined);
  };
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!outgoing.write(value) && !outgoing.destroyed) await drained(outgoing, signal);
    }
    if (!signal.aborted) outgoing.end();
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

async function drained(outgoing: ClientRequest, signal: AbortSignal): Promise<void> {
  try {
    await once(outgoing, "drain", { signal });
  } catch {
    // Aborted, or the connection broke: who watches the request says so.
  }
}
