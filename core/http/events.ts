import { utf8 } from "../../shared/bytes.ts";

/** A stream is not left silent for longer, or proxies on the way take it for dead. */
const SILENCE_MS = 15_000;
/** How often the streams are looked at: so a silence lasts at most 15 + 5 s. */
const CHECK_MS = 5_000;
/** A line that clients skip: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
const KEEP_ALIVE = utf8(": keepalive\n\n");

export const EVENT_STREAM_TYPE = "text/event-stream; charset=utf-8";

/** The data of an event; or the data of one with a name, for clients that listen by it. */
export type EventText = string | { readonly event: string; readonly data: string };

interface LiveStream {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** When something was last sent, Unix ms. */
  sentAt: number;
}

/** Server-sent event streams, and the one timer that keeps all of them alive. */
export class EventStreams {
  readonly #live = new Set<LiveStream>();
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * The body of a response: every text of `events` as one event, as soon as it is there. Reads
   * no faster than the client does.
   *
   * @param events - Must not throw: a failure is an event too.
   * @param onCancel - Called once when the client stops reading.
   */
  open(events: AsyncGenerator<EventText, void>, onCancel: () => void): ReadableStream<Uint8Array> {
    let live: LiveStream | undefined;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        live = { controller, sentAt: this.#now() };
        this.#add(live);
      },
      pull: async (controller) => {
        try {
          const { done, value } = await events.next();
          if (live !== undefined) live.sentAt = this.#now();
          if (done !== true) {
            controller.enqueue(utf8(framed(value)));
            return;
          }
          controller.close();
        } catch (error) {
          this.#remove(live);
          throw error; // fails the stream, and with it the connection
        }
        this.#remove(live);
      },
      cancel: async () => {
        this.#remove(live);
        onCancel();
        await events.return();
      },
    });
  }

  #add(stream: LiveStream): void {
    this.#live.add(stream);
    this.#timer ??= setInterval(() => this.#keepAlive(), CHECK_MS).unref();
  }

  #remove(stream: LiveStream | undefined): void {
    if (stream !== undefined) this.#live.delete(stream);
    if (this.#live.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #keepAlive(): void {
    const now = this.#now();
    for (const stream of this.#live) {
      // A client that does not read what it has needs no comment on top.
      const waits = (stream.controller.desiredSize ?? 0) > 0;
      if (!waits || now - stream.sentAt < SILENCE_MS) continue;
      stream.controller.enqueue(KEEP_ALIVE);
      stream.sentAt = now;
    }
  }
}

function framed(text: EventText): string {
  if (typeof text === "string") return `data: ${text}\n\n`;
  return `event: ${text.event}\ndata: ${text.data}\n\n`;
}
