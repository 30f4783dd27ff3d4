import { CloseCode, legalCloseCode, legalCloseReason } from "../../shared/close-code.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import { concat } from "../../shared/bytes.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { ResetCode } from "../../shared/tunnel/frame.ts";
import { readHeaders, readResponse } from "../../shared/tunnel/http.ts";
import type { Session } from "../../shared/tunnel/session.ts";
import type { Stream, StreamEvent } from "../../shared/tunnel/stream.ts";
import type { CallOf } from "../relay-call.ts";
import { CLIENT_TAG, type ClientAttachment, GONE, readClient, streamTag } from "./attachment.ts";
import { notOpened } from "./http-exchange.ts";

/** The largest refusal of an upgrade that is passed on. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/**
 * Clients' WebSockets: each ends here, hibernated, and is one stream of the tunnel. Nothing is
 * kept in memory that the socket's attachment does not hold too.
 */
export class ClientSockets {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /**
   * Asks the core, and only when it accepts answers the client with 101.
   *
   * @throws GatewayError as `exchange` does.
   */
  open(session: Session, request: Request, call: CallOf<"websocket">): Promise<Response> {
    const stream = session.openStream("websocket", call.head);
    if (stream === undefined) return Promise.reject(notOpened(session));
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
        resolve(this.#accept(stream, event.fields));
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
        reject(new GatewayError("core_reset", "The core gave up on the WebSocket"));
      }
    });
    return promise;
  }

  /** A stream of before the relay slept: its socket knows it. */
  resume(session: Session, id: number): Stream | undefined {
    const [socket] = this.#ctx.getWebSockets(streamTag(id));
    return socket === undefined ? undefined : resumeOn(session, socket);
  }

  /** Settles once the message is on its way: until then the relay must not sleep. */
  async receive(
    session: Session | undefined,
    socket: WebSocket,
    message: string | ArrayBuffer,
  ): Promise<void> {
    const stream = this.#streamOf(session, socket);
    if (stream === undefined) {
      closeSocket(socket, CloseCode.restart, "the core was lost");
      return;
    }
    const size = typeof message === "string" ? message.length : message.byteLength;
    if (size > LIMITS.maxWebSocketMessageBytes) {
      stream.reset(ResetCode.tooLarge, "message too large");
      closeSocket(socket, CloseCode.tooBig, `at most ${LIMITS.maxWebSocketMessageBytes} bytes`);
      return;
    }
    if (stream.queuedBytes > LIMITS.maxWebSocketQueueBytes) {
      stream.reset(ResetCode.flow, "client too fast");
      closeSocket(socket, CloseCode.tryLater, "too much is waiting for the core");
      return;
    }
    stream.sendMessage(typeof message === "string" ? message : new Uint8Array(message));
    await stream.drained();
  }

  /** The client closed: the runtime does not answer for us (and must not be sent 1005 or 1006). */
  closed(session: Session | undefined, socket: WebSocket, code: number, reason: string): void {
    const stream = this.#streamOf(session, socket);
    closeSocket(socket, code, reason);
    stream?.sendClose(code === 1005 ? 0 : code, legalCloseReason(reason));
  }

  /** Keeps what a sleep would lose. */
  persist(stream: Stream): void {
    if (stream.over) return;
    const [socket] = this.#ctx.getWebSockets(streamTag(stream.id));
    socket?.serializeAttachment(attachmentOf(stream));
  }

  /** The core is gone and its sockets with it. */
  closeAll(code: number, reason: string): void {
    for (const socket of this.#ctx.getWebSockets(CLIENT_TAG)) closeSocket(socket, code, reason);
  }

  #accept(stream: Stream, fields: Fields): Response {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#ctx.acceptWebSocket(ours, [CLIENT_TAG, streamTag(stream.id)]);
    ours.serializeAttachment(attachmentOf(stream));
    stream.listen((event) => onStreamEvent(ours, event));
    const protocol = fieldOf(fields, "sec-websocket-protocol");
    const headers = new Headers();
    if (protocol !== undefined) headers.set("Sec-WebSocket-Protocol", protocol);
    return new Response(null, { status: 101, webSocket: theirs, headers });
  }

  #streamOf(session: Session | undefined, socket: WebSocket): Stream | undefined {
    const attachment = readClient(socket);
    if (session === undefined || attachment === undefined) return undefined;
    return session.stream(attachment.stream.id) ?? resumeOn(session, socket);
  }
}

function resumeOn(session: Session, socket: WebSocket): Stream | undefined {
  const attachment = readClient(socket);
  if (attachment === undefined) return undefined;
  const stream = session.resume(attachment.stream);
  stream.listen((event) => onStreamEvent(socket, event));
  if (attachment.stream.partial) {
    // The first half of a message was lost with our memory: better no socket than half a message.
    stream.abort(ResetCode.flow, "slept within a message");
    return undefined;
  }
  return stream;
}

function attachmentOf(stream: Stream): ClientAttachment {
  return { role: "client", stream: stream.state };
}

function refusalOf(fields: Fields, body: Uint8Array<ArrayBuffer>): Result<Response, GatewayError> {
  const head = readResponse(fields);
  if (!head.ok || head.value.status < 400) {
    return err(new GatewayError("bad_response", "The core sent a malformed answer"));
  }
  const { status } = head.value;
  const headers = readHeaders(fields);
  return headers === undefined
    ? err(new GatewayError("bad_response", "The core sent a malformed answer"))
    : ok(new Response(body, { status, headers }));
}

function onStreamEvent(socket: WebSocket, event: StreamEvent): void {
  if (event.type === "message") {
    try {
      socket.send(event.message);
    } catch {
      // Closing on the client's side: `webSocketClose` follows and tells the core.
    }
  } else if (event.type === "close") {
    closeSocket(socket, event.code, event.reason);
  } else if (event.type === "reset") {
    const lost = event.code === ResetCode.lost;
    closeSocket(socket, lost ? CloseCode.restart : CloseCode.internal, "the core was lost");
  }
}

function closeSocket(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.serializeAttachment(GONE);
    socket.close(legalCloseCode(code), legalCloseReason(reason));
  } catch {
    // Closed already: what we wanted.
  }
}
