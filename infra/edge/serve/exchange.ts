import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
  request as httpRequest,
} from "node:http";
import { GatewayError } from "../../../shared/errors.ts";
import { problemResponse } from "../../../shared/problem.ts";
import { requestId } from "../../../shared/request-id.ts";
import { requestHeaders, responseHeaders } from "./heads.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

/** Everything a request needs on its way through the front. */
export interface Passage {
  readonly target: string;
  readonly agent: Agent;
  readonly trusted: TrustedProxies;
  readonly secure: boolean;
}

/** A client may still be sending when it has its answer; then it is given this long to notice. */
const LINGER_MS = 5_000;

/**
 * It is we who close. Were it the runtime, it could have done so before Node's last write of the
 * request, an empty one, which then fails, and takes the answer with it.
 */
const STAY = ["Connection", "keep-alive"];

/** About how long a killed runtime is away. */
const RESTART_MS = 1_000;

/**
 * Takes one request to the runtime and its answer back, both as they come.
 *
 * @returns Resolves when it is over, one way or another.
 */
export function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  passage: Passage,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  response.once("close", over.resolve);
  // Without a listener an upload that breaks off would end the process.
  request.on("error", () => {});
  if (!isOriginForm(request)) {
    refuse(request, response, new GatewayError("invalid_request", "The request names no path"));
    return over.promise;
  }
  const upstream = openUpstream(request, passage, STAY);
  upstream.once("response", (answer) => passBack(answer, request, response));
  upstream.once("error", (error) => {
    if (response.headersSent) response.destroy();
    else refuse(request, response, brokenRuntime(error));
  });
  // The runtime notices that its client is gone by this, and the Worker by its `request.signal`.
  response.once("close", () => upstream.destroy());
  request.pipe(upstream);
  return over.promise;
}

/** The same request on its way to the runtime; the body is not sent yet. */
export function openUpstream(
  request: IncomingMessage,
  { target, agent, trusted, secure }: Passage,
  extra: readonly string[],
): ClientRequest {
  const arrival = { peer: request.socket.remoteAddress, secure };
  const headers = [...requestHeaders(request.rawHeaders, arrival, trusted), ...extra];
  // Node would send an empty chunked body for a POST that says nothing of a body.
  const framed = "content-length" in request.headers || "transfer-encoding" in request.headers;
  const { method = "GET", url: path = "/" } = request;
  if (!framed && (method === "POST" || method === "PUT" || method === "PATCH")) {
    headers.push("Content-Length", "0");
  }
  return httpRequest({ socketPath: target, agent, method, path, headers });
}

/** The other forms are for proxies (RFC 9112 section 3.2), which this is not. */
function isOriginForm({ url = "" }: IncomingMessage): boolean {
  return url.startsWith("/") || url === "*";
}

function passBack(answer: IncomingMessage, request: IncomingMessage, response: ServerResponse) {
  response.writeHead(
    answer.statusCode ?? 502,
    answer.statusMessage,
    responseHeaders(answer.rawHeaders),
  );
  // An event stream says nothing for a while after its head.
  response.flushHeaders();
  answer.pipe(response);
  // Broken off: the client must not take it for whole.
  answer.once("error", () => response.destroy());
  response.once("finish", () => lingerFor(request));
}

/** Reads on for a moment, or the client would see a reset instead of the answer. */
function lingerFor(request: IncomingMessage): void {
  if (request.complete) return;
  request.unpipe();
  request.resume();
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  request.once("close", () => clearTimeout(timer));
}

/** @param error - As the connection to the runtime has ended. */
export function brokenRuntime(error: Error): GatewayError {
  const neverReached =
    "code" in error && (error.code === "ECONNREFUSED" || error.code === "ENOENT");
  return neverReached
    ? new GatewayError("overloaded", "The edge is restarting", { retryAfterMs: RESTART_MS })
    : new GatewayError("core_lost", "The edge was lost during the request");
}

/** The answer for what has not reached the edge. */
export function refusal(request: IncomingMessage, error: GatewayError): Response {
  const given = request.headers["x-request-id"];
  const id = requestId(Array.isArray(given) ? given[0] : given);
  return problemResponse(error, { hop: "edge", requestId: id, path: request.url ?? "/" });
}

function refuse(request: IncomingMessage, response: ServerResponse, error: GatewayError): void {
  const answer = refusal(request, error);
  response.writeHead(answer.status, [...answer.headers].flat());
  void answer.text().then((body) => response.end(body));
  lingerFor(request);
}
