/** A reader of server-sent events as browsers have it: comes back by itself, with the last id it saw. */
export interface ServerEvent {
  readonly id: string;
  readonly data: string;
}

export interface EventSourceOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  onEvent(event: ServerEvent): void;
  /** Before it comes back. Resolves when it may. */
  wait(): Promise<void>;
}

/** Reads until aborted. */
export async function readEvents(url: URL, options: EventSourceOptions): Promise<void> {
  const { signal } = options;
  let lastId = "";
  while (!signal.aborted) {
    try {
      const again = lastId === "" ? {} : { "Last-Event-ID": lastId };
      const headers = { Accept: "text/event-stream", ...options.headers, ...again };
      const response = await fetch(url, { headers, signal });
      const body = response.ok ? response.body : null;
      if (body === null) await response.arrayBuffer();
      for await (const event of eventsOf(body)) {
        lastId = event.id;
        options.onEvent(event);
      }
    } catch {
      // Cut: what is missing comes next time.
    }
    if (!signal.aborted) await options.wait();
  }
}

/** What is not followed by an empty line is no event. */
async function* eventsOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<ServerEvent> {
  let text = "";
  for await (const chunk of (body ?? new Blob([]).stream()).pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string): string =>
        block
          .split("\n")
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2) ?? "";
      yield { id: field("id"), data: field("data") };
    }
  }
}
