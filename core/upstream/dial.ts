import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { WebSocket } from "ws";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { mayHaveBody } from "../../shared/tunnel/http.ts";
import { type HeaderSettings, type Incoming, upstreamHeaders } from "./request-headers.ts";

/** What of a refusal is passed on. */
const MAX_REFUSAL_BYTES = 64 * 1024;
/** The client's side is told of the opening at once. */
const TAKE_TIMEOUT_MS = 5_000;
/** Between a connection's last byte and the first question whether the other side is still there. */
const TCP_KEEPALIVE_MS = 30_000;

export interface Dialled {
  /** Open, and paused: nothing is lost before somebody listens. */
  readonly socket: WebSocket;
  /** The subprotocol the upstream chose, if any. */
  readonly protocol: string | undefined;
  /** Call it when somebody listens; a socket that nobody takes is cut. */
  readonly taken: () => void;
}

export interface DialOptions {
  readonly deadlineMs: number;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/**
 * Opens a WebSocket at the upstream with what the client asked for.
 *
 * @returns The upstream's own answer when it refuses.
 * @throws GatewayError `core_timeout`, or whatever Node says of a connection that fails.
 */
export function dial(
  incoming: Incoming,
  settings: HeaderSettings,
  { deadlineMs, signal }: DialOptions,
): Promise<Result<Dialled, Response>> {
  const { url, headers } = incoming;
  const target = new URL(settings.url);
  target.protocol = target.protocol === "https:" ? "wss:" : "ws:";
  target.pathname = url.pathname;
  target.search = url.search;
  const sent = upstreamHeaders(incoming, settings);
  const offered = headers.get("sec-websocket-protocol");
  if (offered !== null) sent["sec-websocket-protocol"] = offered;
  // The subprotocols are not ours to judge: ws, told of none, neither checks what is offered nor
  // insists that one is chosen.
  const socket = new WebSocket(target, {
    headers: sent,
    perMessageDeflate: false,
    maxPayload: LIMITS.maxWebSocketMessageBytes,
    handshakeTimeout: deadlineMs,
    followRedirects: false,
    ...(isIP(settings.url.hostname) === 0 ? { servername: settings.url.hostname } : {}),
  });
  const cut = (): void => socket.terminate();
  const untaken = setTimeout(cut, deadlineMs + TAKE_TIMEOUT_MS);
  signal.addEventListener("abort", cut, { once: true });
  if (signal.aborted) cut();
  const taken = (): void => {
    clearTimeout(untaken);
    signal.removeEventListener("abort", cut);
  };
  socket.once("close", taken);
  return new Promise((resolve, reject) => {
    let protocol: string | undefined;
    socket.once("upgrade", (answer) => {
      protocol = answer.headers["sec-websocket-protocol"];
      delete answer.headers["sec-websocket-protocol"];
      answer.socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    });
    socket.once("open", () => {
      socket.pause();
      resolve(ok({ socket, protocol, taken }));
    });
    socket.once("unexpected-response", (_request, answer) => {
      refusalOf(answer).then((response) => resolve(err(response)), reject);
    });
    // Stays for good: what comes after the opening ends in `close`, which says it.
    socket.on("error", (cause) => reject(timedOut(cause) ?? cause));
  });
}

async function refusalOf(answer: IncomingMessage): Promise<Response> {
  const status = answer.statusCode ?? 0;
  const headers = new Headers();
  for (let index = 0; index + 1 < answer.rawHeaders.length; index += 2) {
    headers.append(answer.rawHeaders[index] ?? "", answer.rawHeaders[index + 1] ?? "");
  }
  // What follows the limit is cut off, so an announced length would be wrong.
  headers.delete("content-length");
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const parts: AsyncIterable<Uint8Array> = answer;
  for await (const part of parts) {
    chunks.push(part.subarray(0, MAX_REFUSAL_BYTES - bytes));
    bytes += part.byteLength;
    if (bytes >= MAX_REFUSAL_BYTES) break;
  }
  // Nobody uses this connection again.
  answer.destroy();
  const body = mayHaveBody("GET", status) ? Buffer.concat(chunks) : null;
  return new Response(body, { status, headers });
}

/** ws has no code for it. */
function timedOut(cause: Error): GatewayError | undefined {
  return cause.message === "Opening handshake has timed out"
    ? new GatewayError("core_timeout", "The upstream did not accept the WebSocket in time", {
        cause,
      })
    : undefined;
}
