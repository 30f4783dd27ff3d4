/** Shorter than the minute after which proxies and phones give up a silent connection. */
const QUIET_MS = 15_000;

const LF = 10;
const CR = 13;
const COMMENT = new TextEncoder().encode(": keepalive\n\n");

/**
 * Where a stream of server-sent events stands: between two events, or within one.
 *
 * Lines end with LF, CR or CRLF, and an empty one ends an event.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class EventBoundary {
  #between = true;
  #lineEmpty = true;
  #afterCr = false;

  /** A comment sent now would stand between two events. */
  get between(): boolean {
    return this.#between;
  }

  /** Reads on; lines and their ends may be cut anywhere. */
  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      // The second half of a CRLF ends no line of its own.
      const ends = byte === CR || (byte === LF && !this.#afterCr);
      if (ends) {
        this.#between = this.#lineEmpty;
        this.#lineEmpty = true;
      } else if (byte !== LF) {
        this.#between = false;
        this.#lineEmpty = false;
      }
      this.#afterCr = byte === CR;
    }
  }
}

/** An answer to which comments may be added: events, not compressed, of no announced length. */
export function takesComments(headers: Headers): boolean {
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  return (
    type === "text/event-stream" &&
    !headers.has("content-encoding") &&
    !headers.has("content-length")
  );
}

type Controller = ReadableStreamDefaultController<Uint8Array>;

/**
 * The same stream of events, with a comment whenever nothing came for `quietMs`: what stands
 * between must not take a model that thinks for a connection that died.
 */
export function keepAlive(
  source: ReadableStream<Uint8Array>,
  quietMs = QUIET_MS,
): ReadableStream<Uint8Array> {
  const from = source.getReader();
  const boundary = new EventBoundary();
  let reading = false;
  /** Came while nobody waited: a comment had been given instead. */
  let arrived: ((controller: Controller) => void) | undefined;
  let waiting: ((act: (controller: Controller) => void) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  function give(act: (controller: Controller) => void): void {
    clearTimeout(timer);
    if (waiting === undefined) arrived = act;
    else waiting(act);
  }
  /** One read at a time: it goes on while comments are given. */
  async function read(): Promise<void> {
    try {
      const { done, value } = await from.read();
      reading = false;
      if (value !== undefined) boundary.push(value);
      give((controller) => (done ? controller.close() : controller.enqueue(value)));
    } catch (error) {
      give((controller) => controller.error(error));
    }
  }
  function pull(controller: Controller): Promise<void> | undefined {
    if (arrived !== undefined) {
      arrived(controller);
      arrived = undefined;
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting = (act) => {
      waiting = undefined;
      act(controller);
      resolve();
    };
    if (boundary.between) timer = setTimeout(() => give((to) => to.enqueue(COMMENT)), quietMs);
    if (!reading) {
      reading = true;
      void read();
    }
    return promise;
  }
  function cancel(reason: unknown): Promise<void> {
    clearTimeout(timer);
    waiting = () => undefined;
    return from.cancel(reason);
  }
  // Nothing is read ahead: what waits, waits at the upstream.
  return new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 });
}
