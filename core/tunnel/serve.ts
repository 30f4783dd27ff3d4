import type { Logger } from "pino";
import { concat } from "../../shared/bytes.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import { IncomingBody, sendBody } from "../../shared/tunnel/body.ts";
import { encodeAnswer, readDelivery } from "../../shared/tunnel/delivery.ts";
import { encodeFields, type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { FrameType, NackCode, ResetCode } from "../../shared/tunnel/frame.ts";
import {
  mayHaveBody,
  readRequest,
  type RequestHead,
  responseFields,
} from "../../shared/tunnel/http.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import type { Caller, Delivery, TunnelHandlers } from "./handlers.ts";
import { TunnelRequest } from "./request.ts";
import { TunnelSocket } from "./socket.ts";

/** The core could not say when to try again. */
const RETRY_AFTER_MS = 5_000;

/** Answers the streams that the relay opens. */
export class StreamServer {
  readonly #handlers: TunnelHandlers;
  readonly #log: Logger;

  constructor(handlers: TunnelHandlers, log: Logger) {
    this.#handlers = handlers;
    this.#log = log;
  }

  /** Takes over one stream; whatever fails, fails on that stream alone. */
  open(stream: Stream, fields: Fields): void {
    if (stream.kind === "http") this.#openHttp(stream, fields);
    else if (stream.kind === "websocket") this.#openSocket(stream, fields);
    else this.#openDelivery(stream, fields);
  }

  #openHttp(stream: Stream, fields: Fields): void {
    const head = readRequest(fields);
    if (!head.ok) {
      this.#log.warn({ ...head.error }, "unreadable request head");
      stream.reset(ResetCode.protocol, "bad request head");
      return;
    }
    const body = new IncomingBody(stream, () => stream.stop());
    const over = new AbortController();
    let request: TunnelRequest | undefined;
    stream.listen((event) => {
      if (event.type === "data") body.push(event.bytes);
      else if (event.type === "end") body.end();
      else if (event.type === "stop") over.abort();
      else if (event.type === "reset") {
        over.abort();
        body.fail(new GatewayError("canceled", "The client left"));
        request?.abort();
      }
    });
    // In a microtask the rest of this tunnel message is here: a small body is then whole.
    queueMicrotask(() => {
      if (stream.over) return;
      request = requestOf(head.value, body);
      this.#answer(stream, request, callerOf(head.value), over.signal).catch((err: unknown) => {
        this.#log.error({ err, requestId: head.value.meta.requestId }, "answer cut short");
        stream.reset(ResetCode.coreError, "answer cut short");
      });
    });
  }

  async #answer(
    stream: Stream,
    request: Request,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await this.#handlers.fetch(request, caller);
    const { status, headers, body } = response;
    const head = encodeFields(responseFields(status, headers));
    if (!head.ok) throw new GatewayError("internal", `response head: ${head.error.reason}`);
    stream.urgent = headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (body === null || !mayHaveBody(request.method, status)) {
      await body?.cancel();
      stream.sendHead(head.value, true);
    } else {
      stream.sendHead(head.value);
      await sendBody(body, stream, signal, "cancel");
    }
    // Answered before the upload ended: the rest of it is not wanted.
    stream.stop();
  }

  #openSocket(stream: Stream, fields: Fields): void {
    const head = readRequest(fields);
    if (!head.ok) {
      stream.reset(ResetCode.protocol, "bad request head");
      return;
    }
    const protocols = fieldOf(fields, ":protocols");
    if (protocols !== undefined) head.value.headers.set("Sec-WebSocket-Protocol", protocols);
    const request = new TunnelRequest(head.value.url, { headers: head.value.headers });
    this.#upgrade(stream, request, callerOf(head.value)).catch((err: unknown) => {
      this.#log.error({ err, requestId: head.value.meta.requestId }, "upgrade failed");
      stream.reset(ResetCode.coreError, "upgrade failed");
    });
  }

  async #upgrade(stream: Stream, request: Request, caller: Caller): Promise<void> {
    const upgrade = await this.#handlers.upgrade(request, caller);
    if (upgrade.accepted) {
      const { protocol } = upgrade;
      const named: Fields = protocol === undefined ? [] : [["sec-websocket-protocol", protocol]];
      const head = encodeFields([[":status", "101"], ...named]);
      if (!head.ok) throw new GatewayError("internal", `upgrade head: ${head.error.reason}`);
      stream.sendHead(head.value);
      upgrade.take(new TunnelSocket(stream));
      return;
    }
    const { status, headers } = upgrade.response;
    const head = encodeFields(responseFields(status, headers));
    if (!head.ok) throw new GatewayError("internal", `refusal head: ${head.error.reason}`);
    stream.listen(() => undefined);
    stream.sendHead(head.value);
    stream.write(await upgrade.response.bytes());
    stream.end();
  }

  #openDelivery(stream: Stream, fields: Fields): void {
    const head = readDelivery(fields);
    if (!head.ok) {
      stream.reset(ResetCode.protocol, "bad delivery head");
      return;
    }
    const { token, ...rest } = head.value;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    stream.listen((event) => {
      if (event.type === "data") {
        bytes += event.bytes.byteLength;
        if (bytes > LIMITS.maxWebhookBytes) stream.reset(ResetCode.tooLarge, "webhook too large");
        else chunks.push(event.bytes);
        stream.consume(event.bytes.byteLength);
      } else if (event.type === "end") {
        this.#deliver(stream, token, { ...rest, body: concat(chunks) }).catch((err: unknown) => {
          this.#log.error({ err, id: rest.id }, "webhook could not be answered");
          stream.reset(ResetCode.coreError, "no answer");
        });
      }
    });
  }

  async #deliver(stream: Stream, token: string, delivery: Delivery): Promise<void> {
    const { id } = delivery;
    const answer = { id, token, duplicate: false, retryAfterMs: 0, reason: "" };
    try {
      const duplicate = (await this.#handlers.deliver(delivery)) === "duplicate";
      stream.answer(FrameType.ack, encodeAnswer({ ...answer, duplicate }));
    } catch (err) {
      const known = err instanceof GatewayError ? err : undefined;
      const poison = known?.code === "invalid_request" || known?.code === "not_found";
      this.#log.warn({ err, id, route: delivery.route, poison }, "webhook not accepted");
      const refusal = {
        ...answer,
        retryAfterMs: known?.retryAfterMs ?? RETRY_AFTER_MS,
        reason: known?.message ?? "the core could not keep it",
      };
      const code = poison ? NackCode.poison : NackCode.later;
      stream.answer(FrameType.nack, encodeAnswer(refusal), code);
    }
  }
}

function callerOf({ meta }: RequestHead): Caller {
  return { principal: meta.principal, requestId: meta.requestId, ip: meta.clientIp, via: "edge" };
}

function requestOf({ method, url, headers }: RequestHead, body: IncomingBody): TunnelRequest {
  if (body.complete && body.bytes === 0) return new TunnelRequest(url, { method, headers });
  if (method === "GET" || method === "HEAD") {
    // The fetch standard gives these no body; what a client sends all the same is not wanted.
    body.refuse();
    return new TunnelRequest(url, { method, headers });
  }
  if (body.complete) return new TunnelRequest(url, { method, headers, body: body.take() });
  return new TunnelRequest(url, { method, headers, body: body.toWeb(), duplex: "half" });
}
