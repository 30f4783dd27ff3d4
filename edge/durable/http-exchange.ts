import { GatewayError, type ErrorCode } from "../../shared/errors.ts";
import { IncomingBody, sendBody } from "../../shared/tunnel/body.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import { ResetCode } from "../../shared/tunnel/frame.ts";
import { mayHaveBody, readResponse, type ResponseHead } from "../../shared/tunnel/http.ts";
import type { Session } from "../../shared/tunnel/session.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import { within } from "../deadline.ts";
import { logLine } from "../log.ts";
import type { CallOf } from "../relay-call.ts";

/** For the rest of an upload nobody wants: 25 MiB at 40 Mbit/s. */
const LINGER_MS = 5_000;

/**
 * Sends a request through the tunnel and answers with what comes back, streamed both ways.
 *
 * @param added - Headers for the answer, names in lower case, given the core's own.
 * @throws GatewayError `overloaded`, `core_draining` or `not_leader` when it was not executed;
 *   `core_reset`, `core_lost`, `bad_response` when it may have been and no answer came.
 */
export function exchange(
  session: Session,
  request: Request,
  call: CallOf<"http">,
  added: (fields: Fields) => Fields,
): Promise<Response> {
  const { body } = request;
  const stream = session.openStream("http", call.head, body === null);
  if (stream === undefined) return Promise.reject(notOpened(session));
  const source = body === null ? undefined : new AbortController();
  const answer = new Answer(stream, { method: request.method, added }, source);
  // The client left: by signal before the answer began, by `cancel()` of its body after.
  request.signal.addEventListener("abort", () => answer.clientLeft(), { once: true });
  if (body === null || source === undefined) return answer.response;
  const uploaded = sendBody(body, stream, source.signal, "discard").catch(() =>
    stream.reset(ResetCode.cancel, "upload broke"),
  );
  return answer.response.then((response) => afterUpload(response, answer, uploaded));
}

/**
 * An answer that is whole before its request is waits for the rest of the upload, which is read
 * away: it would end the request here, and unread bytes would reset the client's connection before
 * the answer is seen.
 */
async function afterUpload(
  response: Response,
  answer: Answer,
  uploaded: Promise<void>,
): Promise<Response> {
  if (answer.whole) await within(uploaded, LINGER_MS).catch(() => undefined);
  return response;
}

/** Why a session would not open a stream. */
export function notOpened(session: Session): GatewayError {
  return session.open
    ? new GatewayError("overloaded", "Too many requests are under way", { retryAfterMs: 1000 })
    : new GatewayError("core_draining", "The core is restarting", { retryAfterMs: 2000 });
}

/** Turns the events of one stream into one response. */
class Answer {
  readonly response: Promise<Response>;
  readonly #stream: Stream;
  readonly #method: string;
  readonly #added: (fields: Fields) => Fields;
  /** Of the upload, if there is one. */
  readonly #source: AbortController | undefined;
  readonly #body: IncomingBody;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: GatewayError) => void;
  #begun = false;

  constructor(
    stream: Stream,
    { method, added }: { readonly method: string; readonly added: (fields: Fields) => Fields },
    source: AbortController | undefined,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    this.response = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#stream = stream;
    this.#method = method;
    this.#added = added;
    this.#source = source;
    this.#body = new IncomingBody(stream, () => this.clientLeft());
    stream.listen((event) => {
      switch (event.type) {
        case "head":
          this.#onHead(event.fields);
          return;
        case "data":
          this.#body.push(event.bytes);
          return;
        case "end":
          this.#body.end();
          return;
        case "stop":
          // `sendBody` sees it: the rest of the upload is read away, so that the answer is seen.
          return;
        case "reset":
          this.#onReset(event.code);
          return;
        default:
      }
    });
  }

  /** All of it has come. */
  get whole(): boolean {
    return this.#body.complete;
  }

  clientLeft(): void {
    this.#stream.reset(ResetCode.cancel, "client left");
    this.#source?.abort();
    this.#body.fail(new GatewayError("canceled", "The client left"));
  }

  #onHead(fields: Fields): void {
    const head = readResponse(fields, this.#added(fields));
    if (!head.ok) {
      this.#malformed(head.error.reason);
      return;
    }
    this.#begun = true;
    // In a microtask the rest of this tunnel message is here: a small answer is then whole.
    queueMicrotask(() => {
      try {
        this.#resolve(this.#toResponse(head.value));
      } catch {
        // The constructor's word for a name or value that is no header.
        this.#malformed("bad_header");
      }
    });
  }

  /** @throws TypeError for what cannot be a header. */
  #toResponse({ status, headers }: ResponseHead): Response {
    const length = headers.find(([name]) => name === "content-length")?.[1];
    const body = this.#bodyFor(status, length);
    const response = new Response(body, { status, encodeBody: "manual" });
    // One by one and afterwards: as pairs in `init` they cost 22 µs, so 8.
    for (const [name, value] of headers) response.headers.append(name, value);
    return response;
  }

  #bodyFor(status: number, length: string | undefined): BodyInit | null {
    if (!mayHaveBody(this.#method, status)) {
      this.#body.refuse();
      return null;
    }
    if (this.#body.complete) return this.#body.take();
    const stream = this.#body.toWeb();
    return length === undefined ? stream : ofLength(stream, length);
  }

  #malformed(reason: string): void {
    logLine("warn", { event: "bad_response", reason });
    this.#stream.reset(ResetCode.protocol, "bad response head");
    this.#reject(new GatewayError("bad_response", "The core sent a malformed answer"));
  }

  #onReset(code: number): void {
    this.#source?.abort();
    const error = errorOf(code);
    if (this.#begun) this.#body.fail(error);
    else this.#reject(error);
  }
}

/** The runtime says how long a stream is only when it can be sure: then it sees to that, too. */
function ofLength(stream: ReadableStream<Uint8Array>, length: string): ReadableStream<Uint8Array> {
  if (!/^\d{1,15}$/.test(length)) return stream;
  const { readable, writable } = new FixedLengthStream(Number(length));
  // Its end, good or bad, is told to whoever reads.
  stream.pipeTo(writable).catch(() => undefined);
  return readable;
}

/** What a RESET before the answer means for the client. */
export function errorOf(code: number): GatewayError {
  const [name, message] = RESET_ERRORS.get(code) ?? [
    "core_reset",
    "The core gave up on the request",
  ];
  const isLate = name === "core_draining" || name === "not_leader";
  return new GatewayError(name, message, isLate ? { retryAfterMs: 1000 } : {});
}

const RESET_ERRORS: ReadonlyMap<number, readonly [ErrorCode, string]> = new Map([
  [ResetCode.refused, ["core_draining", "The core refused the request without starting it"]],
  [ResetCode.notLeader, ["not_leader", "Another core leads; the request was not executed"]],
  [ResetCode.draining, ["core_reset", "The core stopped before it had answered"]],
  [ResetCode.deadline, ["core_timeout", "The core did not answer in time"]],
  [ResetCode.tooLarge, ["too_large", "The request body is too large"]],
  [ResetCode.lost, ["core_lost", "The connection to the core was lost during the request"]],
  [ResetCode.protocol, ["bad_response", "The core sent a malformed answer"]],
]);
