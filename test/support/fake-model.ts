/** What the fakes of the model vendors share: the script they follow, and what they remember. */
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";

/** What the fake does with one request. Plain data; the vendor's format is the dialect's business. */
export type Behavior =
  | {
      readonly kind: "reply";
      /** A function gets the last thing the user said. */
      readonly text: string | ((said: string) => string);
      readonly toolCalls: readonly FakeCall[];
      /** The vendor's own word; undefined: the one that fits. */
      readonly stop: string | undefined;
      /** Between two words, milliseconds. 0 sends the whole answer in one piece. */
      readonly wordDelayMs: number;
      /** Signs of life sent before the first word, `wordDelayMs` apart. */
      readonly pings: number;
      readonly usage: { readonly input: number; readonly output: number } | undefined;
      /** The second half of a stream comes when this settles. */
      readonly gate: Promise<unknown> | undefined;
    }
  | {
      readonly kind: "fail";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  /** Begins an answer, says `words` words of it, and then nothing more. -1: not even a status. */
  | { readonly kind: "hang"; readonly words: number }
  /** Begins an answer, says `words` words of it, and destroys the connection. */
  | { readonly kind: "cut"; readonly words: number }
  /** Begins an answer, says `words` words of it, and ends the body as if it were complete. */
  | { readonly kind: "stop_short"; readonly words: number }
  /** Begins an answer, says `words` words of it, and puts `body` in as the vendor puts errors. */
  | { readonly kind: "error_event"; readonly words: number; readonly body: unknown }
  /** Status 200, and then this, whatever it is. */
  | { readonly kind: "raw"; readonly contentType: string; readonly body: string };

export interface FakeCall {
  readonly id: string;
  readonly name: string;
  /** JSON text, or what a confused model takes for it. */
  readonly input: string;
}

type Reply = Extract<Behavior, { kind: "reply" }>;
export type Failure = Extract<Behavior, { kind: "fail" }>;

export function reply(
  text: Reply["text"],
  options: Partial<Omit<Reply, "kind" | "text">> = {},
): Behavior {
  const none = { stop: undefined, usage: undefined, gate: undefined };
  return { kind: "reply", text, toolCalls: [], wordDelayMs: 0, pings: 0, ...none, ...options };
}

/** Asks for tools, saying `text` first. */
export function callTools(toolCalls: readonly FakeCall[], text = ""): Behavior {
  return reply(text, { toolCalls });
}

export function fail(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): Failure {
  return { kind: "fail", status, headers, body };
}

/** A request as it came, without any header's value. */
export interface RecordedRequest {
  readonly path: string;
  readonly body: unknown;
  readonly headerNames: readonly string[];
}

/** A vendor's format: which requests it takes, and how its answers look. */
export interface Dialect {
  /** Path of the endpoint behind the base URL's own. */
  readonly path: string;
  /** Checks a request as the vendor does, and finds in it what the fake needs to know. */
  read(body: unknown, headers: IncomingHttpHeaders): Reading;
  /** The pieces of a stream: what comes first, one a word, and what comes last. */
  frames(answer: Answer): {
    readonly head: string;
    readonly words: string[];
    readonly tail: string;
  };
  errorFrame(body: unknown): string;
  /** How the vendor keeps a silent connection alive. */
  readonly ping: string;
  /** The whole answer as one JSON document. */
  document(answer: Answer): string;
  /** The vendor's JSON for a failure of this status. */
  errorBody(status: number): string;
}

/** A request that is taken, or the vendor's refusal. */
export type Reading = Failure | Taken;

export interface Taken {
  readonly kind: "taken";
  readonly model: string;
  /** The last thing the user said. */
  readonly said: string;
  readonly stream: boolean;
}

export interface Answer {
  readonly words: readonly string[];
  readonly toolCalls: readonly FakeCall[];
  readonly stop: string | undefined;
  readonly usage: { readonly input: number; readonly output: number };
  readonly model: string;
}

/** How many requests are remembered; a benchmark makes more and needs none of them. */
const MAX_RECORDED = 1_000;

/** Bodies above this are answered 413, as both vendors do (theirs is 32 MB). */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

const SSE_HEADERS = { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" };

/** A model vendor's server on a loopback port. Echoes the last thing the user said unless told otherwise. */
export class FakeModel implements AsyncDisposable {
  readonly #server: Server;
  readonly #dialect: Dialect;
  readonly #basePath: string;
  readonly #script: Behavior[] = [];
  readonly #recorded: RecordedRequest[] = [];
  readonly #waiting = new Set<() => void>();
  /** Connections that ended early by our own doing. */
  readonly #cut = new WeakSet<ServerResponse>();
  #always: Behavior = reply((said) => said);
  #requests = 0;
  #aborted = 0;

  constructor(dialect: Dialect, basePath: string) {
    this.#dialect = dialect;
    this.#basePath = basePath;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    // A benchmark's clients hold their connections longer than the 5 s that Node keeps them.
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(port = 0): Promise<void> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** What goes into the provider's `baseUrl`. */
  get baseUrl(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `http://127.0.0.1:${address.port}${this.#basePath}`;
  }

  /** Requests so far, refused ones too. */
  get requestCount(): number {
    return this.#requests;
  }

  /** Requests whose client left before the answer was complete. */
  get abortedCount(): number {
    return this.#aborted;
  }

  /** The newest requests, oldest first. */
  get requests(): readonly RecordedRequest[] {
    return this.#recorded;
  }

  /** From now on, whenever the script is empty. */
  always(behavior: Behavior): void {
    this.#always = behavior;
  }

  /** For the next requests, one each, before `always` is followed again. */
  next(...behaviors: readonly Behavior[]): void {
    this.#script.push(...behaviors);
  }

  replyWith(text: Reply["text"], options: Partial<Omit<Reply, "kind" | "text">> = {}): void {
    this.always(reply(text, options));
  }

  /** Settles when this many requests have arrived, at once if they have. */
  async waitForRequests(count: number): Promise<void> {
    await this.#until(() => this.#requests >= count);
  }

  /** Settles when this many clients have left early, at once if they have. */
  async waitForAborts(count: number): Promise<void> {
    await this.#until(() => this.#aborted >= count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
    }
  }

  #changed(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request);
    this.#record(request, body);
    response.once("close", () => {
      if (response.writableFinished || this.#cut.has(response)) return;
      this.#aborted += 1;
      this.#changed();
    });
    if (request.url?.split("?")[0] !== this.#basePath + this.#dialect.path) {
      this.#fail(response, fail(404));
      return;
    }
    const reading = body === TOO_LARGE ? fail(413) : this.#dialect.read(body, request.headers);
    if (reading.kind === "fail") this.#fail(response, reading);
    else await this.#follow(this.#script.shift() ?? this.#always, reading, response);
  }

  #record(request: IncomingMessage, body: unknown): void {
    const headerNames = Object.keys(request.headers);
    this.#recorded.push({ path: request.url ?? "", body, headerNames });
    if (this.#recorded.length > MAX_RECORDED) this.#recorded.shift();
    this.#requests += 1;
    this.#changed();
  }

  async #follow(behavior: Behavior, taken: Taken, response: ServerResponse): Promise<void> {
    switch (behavior.kind) {
      case "fail":
        this.#fail(response, behavior);
        break;
      case "raw":
        response.writeHead(200, { "Content-Type": behavior.contentType }).end(behavior.body);
        break;
      case "reply":
        await this.#reply(response, behavior, taken);
        break;
      case "hang":
        if (behavior.words >= 0) this.#begin(response, behavior.words, taken);
        break;
      case "cut":
        this.#cut.add(response);
        this.#begin(response, behavior.words, taken, () => response.destroy());
        break;
      case "stop_short":
        this.#begin(response, behavior.words, taken, () => response.end());
        break;
      case "error_event":
        this.#begin(response, behavior.words, taken, () =>
          response.end(this.#dialect.errorFrame(behavior.body)),
        );
        break;
    }
  }

  #fail(response: ServerResponse, { status, headers, body }: Failure): void {
    response
      .writeHead(status, { "Content-Type": "application/json", ...headers })
      .end(body === "" ? this.#dialect.errorBody(status) : body);
  }

  /** The start of an answer that will not be finished; `then` runs once it is on its way. */
  #begin(response: ServerResponse, words: number, { model }: Taken, then?: () => void): void {
    const said = Array.from({ length: words }, (_, index) => `word${index} `);
    const answer = { words: said, toolCalls: [], stop: undefined, usage: NO_USAGE, model };
    const { head, words: frames } = this.#dialect.frames(answer);
    response.writeHead(200, SSE_HEADERS);
    response.write(head + frames.join(""), then);
  }

  async #reply(response: ServerResponse, behavior: Reply, taken: Taken): Promise<void> {
    const { text, toolCalls, stop, wordDelayMs, gate } = behavior;
    const { said, stream, model } = taken;
    const words = (typeof text === "string" ? text : text(said)).match(/\S+\s*|\s+/g) ?? [];
    const usage = behavior.usage ?? { input: said.split(/\s+/).length, output: words.length };
    const answer = { words, toolCalls, stop, usage, model };
    if (!stream) {
      response
        .writeHead(200, { "Content-Type": "application/json" })
        .end(this.#dialect.document(answer));
      return;
    }
    const { head, words: frames, tail } = this.#dialect.frames(answer);
    response.writeHead(200, SSE_HEADERS);
    const pieces = [head, ...Array(behavior.pings).fill(this.#dialect.ping), ...frames, tail];
    if (gate !== undefined) {
      response.write(pieces.splice(0, Math.floor(pieces.length / 2)).join(""));
      await gate;
    }
    if (wordDelayMs === 0) response.end(pieces.join(""));
    else await typeOut(response, pieces, wordDelayMs);
  }
}

const NO_USAGE = { input: 1, output: 1 };

const TOO_LARGE = Symbol("too large");

/** One frame after another, as a model writes; stops when the client leaves. */
async function typeOut(
  response: ServerResponse,
  frames: readonly string[],
  delayMs: number,
): Promise<void> {
  for (const frame of frames) {
    if (response.destroyed) return;
    response.write(frame);
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, delayMs);
    await promise;
  }
  response.end();
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.byteLength;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_BODY_BYTES) return TOO_LARGE;
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    // The dialects answer 400 to whatever is not an object.
    return undefined;
  }
}
