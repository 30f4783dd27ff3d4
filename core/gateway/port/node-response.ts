import type { ServerResponse } from "node:http";

/** Turns of the microtask queue in which a body that is already there has been read: 1, and spare. */
const INSTANT_TICKS = 3;

/**
 * Writes a web `Response` to Node's. Resolves once everything was handed to the socket.
 *
 * A body that is there at once (a JSON document) leaves as one piece with its length; a stream
 * leaves chunk by chunk as it comes, as fast as the client reads. The stream is cancelled when the
 * client leaves.
 *
 * @throws whatever the body's stream fails with; the head may be out by then.
 */
export async function writeResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  outgoing.statusCode = response.status;
  if (response.body === null || outgoing.req.method === "HEAD") {
    outgoing.end();
    await response.body?.cancel();
    return;
  }
  const reader = response.body.getReader();
  const cancel = (): void => {
    // Its rejection could only say what we know: nobody reads any more.
    reader.cancel("The client closed the connection").catch(() => undefined);
  };
  if (outgoing.closed) cancel();
  else outgoing.once("close", cancel);
  try {
    await writeBody(reader, outgoing);
  } finally {
    outgoing.off("close", cancel);
  }
}

async function writeBody(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  outgoing: ServerResponse,
): Promise<void> {
  const head = reader.read();
  const first = await Promise.race([head, instant()]);
  // The client of a slow stream learns at once that it was accepted.
  if (first === undefined) outgoing.flushHeaders();
  let chunk = first ?? (await head);
  if (chunk.value !== undefined && first !== undefined) {
    const tail = reader.read();
    const second = await Promise.race([tail, instant()]);
    if (second?.done === true) {
      outgoing.setHeader("Content-Length", chunk.value.byteLength);
      outgoing.end(chunk.value);
      return;
    }
    await write(chunk.value, outgoing);
    chunk = second ?? (await tail);
  }
  while (chunk.value !== undefined) {
    await write(chunk.value, outgoing);
    chunk = await reader.read();
  }
  outgoing.end();
}

/** Settles once everything that needs no waiting is done. */
async function instant(): Promise<undefined> {
  for (let tick = 0; tick < INSTANT_TICKS; tick += 1) await Promise.resolve();
  return undefined;
}

function write(bytes: Uint8Array, outgoing: ServerResponse): Promise<void> | undefined {
  if (outgoing.write(bytes) || outgoing.closed) return undefined;
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
  });
}
