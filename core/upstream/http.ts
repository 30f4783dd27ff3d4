import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { Agent as HttpsAgent, request as requestTls } from "node:https";
import { isIP } from "node:net";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import { mayHaveBody } from "../../shared/tunnel/http.ts";
import type { Caller } from "../tunnel/handlers.ts";
import { bodyOf, upload } from "./body.ts";
import { upstreamFailure } from "./failure.ts";
import { keepAlive, takesComments } from "./keepalive.ts";
import { type HeaderSettings, upstreamHeaders } from "./request-headers.ts";

/** Idle connections kept for the next request: a page loads a few dozen things at once. */
const MAX_IDLE_SOCKETS = 64;
/** What the tunnel can carry as a head, less what it adds. */
const MAX_HEADER_BYTES = LIMITS.maxHeadBytes - 16 * 1024;
/** May be sent twice without being done twice, and have no body that is gone after the first time. */
const REPEATABLE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Of a caller, what the upstream is told, and how long there is. */
export type Asker = Pick<Caller, "ip" | "requestId" | "deadlineMs">;

/** Requests to the upstream, over connections that are used again. */
export class UpstreamHttp implements Disposable {
  readonly #settings: HeaderSettings;
  readonly #agent: HttpAgent;

  constructor(settings: HeaderSettings) {
    this.#settings = settings;
    const options = { keepAlive: true, maxFreeSockets: MAX_IDLE_SOCKETS };
    const tls = settings.url.protocol === "https:";
    this.#agent = tls ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /**
   * Asks the upstream, byte for byte, streaming both ways. The answer's body is cancelled and the
   * request aborted when the client leaves.
   *
   * @throws GatewayError `core_offline` when it was not reached, `core_timeout` when its answer does
   *   not begin in time, `bad_response`, `core_lost`, `canceled`.
   */
  async fetch(incoming: Request, caller: Asker): Promise<Response> {
    try {
      return await this.#exchange(incoming, caller);
    } catch (error) {
      const stale = error instanceof StaleConnection;
      if (!stale || !REPEATABLE.has(incoming.method))
        throw upstreamFailure(stale ? error.cause : error);
    }
    try {
      return await this.#exchange(incoming, caller);
    } catch (error) {
      throw upstreamFailure(error instanceof StaleConnection ? error.cause : error);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #exchange(incoming: Request, caller: Asker): Promise<Response> {
    const over = new AbortController();
    const outgoing = this.#open(incoming, caller);
    const left = (): void => void outgoing.destroy(new GatewayError("canceled", "The client left"));
    incoming.signal.addEventListener("abort", left, { once: true });
    if (incoming.signal.aborted) left();
    const end = (): void => {
      incoming.signal.removeEventListener("abort", left);
      over.abort();
      // Answered before the upload was whole: the connection is of no more use.
      if (!outgoing.writableFinished) outgoing.destroy();
    };
    if (incoming.body === null) {
      outgoing.end();
    } else {
      // A client that broke off must not look like one that has finished.
      upload(incoming.body, outgoing, over.signal).catch(() => left());
    }
    try {
      const answer = await head(outgoing, caller.deadlineMs ?? LIMITS.firstByteTimeoutMs);
      return toResponse(incoming.method, answer, end);
    } catch (error) {
      outgoing.destroy();
      end();
      throw error;
    }
  }

  #open(incoming: Request, caller: Asker): ClientRequest {
    const { url: base } = this.#settings;
    const url = new URL(incoming.url);
    const headers = upstreamHeaders({ url, headers: incoming.headers, caller }, this.#settings);
    // Node does so for some methods only; a body without a length or this would be no body.
    if (incoming.body !== null && headers["content-length"] === undefined) {
      headers["transfer-encoding"] = "chunked";
    }
    const options = {
      protocol: base.protocol,
      hostname: base.hostname.replace(/^\[|\]$/g, ""),
      port: base.port,
      method: incoming.method,
      path: url.pathname + url.search,
      headers,
      agent: this.#agent,
      maxHeaderSize: MAX_HEADER_BYTES,
    };
    if (base.protocol === "http:") return request(options);
    // Or Node would take the certificate's name from the `Host` header, which may be another.
    return requestTls({
      ...options,
      servername: isIP(options.hostname) === 0 ? options.hostname : "",
    });
  }
}

/** The upstream had closed a connection that we took for open: it has seen nothing of the request. */
class StaleConnection extends Error {
  override readonly name = "StaleConnection";
}

/** The final answer's head; 1xx are passed over by Node. */
function head(outgoing: ClientRequest, deadlineMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      outgoing.destroy(new GatewayError("core_timeout", "The upstream did not answer in time"));
    }, deadlineMs);
    outgoing.once("response", (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    // Stays for good: what breaks later is the body's to say, and an unheard error would end us.
    outgoing.on("error", (cause) => {
      clearTimeout(timer);
      const stale = outgoing.reusedSocket && "code" in cause && cause.code === "ECONNRESET";
      reject(stale ? new StaleConnection("stale connection", { cause }) : cause);
    });
  });
}

function toResponse(method: string, answer: IncomingMessage, end: () => void): Response {
  const { statusCode: status = 0, rawHeaders } = answer;
  if (status < 200 || status > 599) {
    throw new GatewayError("bad_response", `The upstream answered with status ${status}`);
  }
  const headers = readHeaders(rawHeaders);
  if (!mayHaveBody(method, status)) {
    answer.resume();
    answer.once("close", end);
    return new Response(null, { status, headers });
  }
  const body = bodyOf(answer, end);
  return new Response(takesComments(headers) ? keepAlive(body) : body, { status, headers });
}

/** @throws GatewayError bad_response for what cannot be a header. */
function readHeaders(raw: readonly string[]): Headers {
  const headers = new Headers();
  try {
    for (let index = 0; index + 1 < raw.length; index += 2) {
      headers.append(raw[index] ?? "", raw[index + 1] ?? "");
    }
  } catch (cause) {
    throw new GatewayError("bad_response", "The upstream sent a malformed header", { cause });
  }
  return headers;
}
