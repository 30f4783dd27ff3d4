import { concat } from "../../shared/bytes.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { ResetCode } from "../../shared/tunnel/frame.ts";
import { readHeaders, readResponse } from "../../shared/tunnel/http.ts";
import type { CallOf } from "../relay-call.ts";
import type { Clients } from "./clients.ts";
import type { CoreLink } from "./core-link.ts";
import { errorOf, notOpened } from "./http-exchange.ts";

/** The largest refusal of an upgrade that is passed on. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/**
 * Asks the core for a client's WebSocket, and only when it accepts answers the client with 101.
 *
 * @throws GatewayError as `exchange` does.
 */
export function upgrade(
  link: CoreLink,
  request: Request,
  call: CallOf<"websocket">,
  clients: Clients,
): Promise<Response> {
  const stream = link.session.openStream("websocket", call.head);
  if (stream === undefined) return Promise.reject(notOpened(link.session));
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  // The request itself keeps the relay awake while this runs, so the timer costs nothing.
  // oxlint-disable-next-line no-restricted-globals -- see above; cleared on every path
  const timer = setTimeout(() => {
    stream.reset(ResetCode.deadline, "not accepted in time");
    reject(new GatewayError("core_timeout", "The core did not accept the WebSocket in time"));
  }, LIMITS.acceptTimeoutMs);
  request.signal.addEventListener("abort", () => stream.reset(ResetCode.cancel), { once: true });
  const refusal: Uint8Array[] = [];
  let refusalBytes = 0;
  let refused: Fields | undefined;
  stream.listen((event) => {
    if (event.type === "head" && fieldOf(event.fields, ":status") === "101") {
      clearTimeout(timer);
      const webSocket = clients.accept(link, stream, call, event.fields);
      resolve(accepted(webSocket, event.fields));
    } else if (event.type === "head") {
      refused = event.fields;
    } else if (event.type === "data") {
      refusalBytes += event.bytes.byteLength;
      if (refusalBytes <= MAX_REFUSAL_BYTES) refusal.push(event.bytes);
      stream.consume(event.bytes.byteLength);
    } else if (event.type === "end" && refused !== undefined) {
      clearTimeout(timer);
      stream.reset(ResetCode.noError);
      const response = refusalOf(refused, concat(refusal));
      if (response.ok) resolve(response.value);
      else reject(response.error);
    } else if (event.type === "reset" || event.type === "close") {
      clearTimeout(timer);
      reject(errorOf(event.type === "reset" ? event.code : ResetCode.coreError));
    }
  });
  return promise;
}

function accepted(webSocket: WebSocket, fields: Fields): Response {
  const protocol = fieldOf(fields, "sec-websocket-protocol");
  const headers = new Headers();
  if (protocol !== undefined) headers.set("Sec-WebSocket-Protocol", protocol);
  return new Response(null, { status: 101, webSocket, headers });
}

function refusalOf(fields: Fields, body: Uint8Array<ArrayBuffer>): Result<Response, GatewayError> {
  const head = readResponse(fields);
  const headers = readHeaders(fields);
  if (!head.ok || head.value.status < 300 || headers === undefined) {
    return err(new GatewayError("bad_response", "The core sent a malformed answer"));
  }
  return ok(new Response(body, { status: head.value.status, headers }));
}
