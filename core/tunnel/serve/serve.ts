import { GatewayError } from "../../../shared/errors.ts";
import { IncomingBody, sendBody } from "../../../shared/tunnel/body.ts";
import { encodeFields, type Fields, fieldOf } from "../../../shared/tunnel/fields.ts";
import { ResetCode } from "../../../shared/tunnel/frame.ts";
import {
  mayHaveBody,
  readRequest,
  type RequestHead,
  responseFields,
} from "../../../shared/tunnel/http.ts";
import type { Stream } from "../../../shared/tunnel/stream.ts";
import { OPERATOR_SCOPES, type OperatorScope } from "../../methods/method.ts";
import { Duplicates } from "./duplicates.ts";
import type { Caller, TunnelHandlers } from "../handlers.ts";
import { count, observe } from "../metrics.ts";
import { TunnelRequest } from "./request.ts";
import { openSocket } from "./open-socket.ts";
import type { Service } from "./service.ts";
import { takeDelivery } from "./take-delivery.ts";
import { traceparentOf } from "./trace.ts";

export interface ServerParts extends Omit<Service, "handlers"> {
  /** Undefined while this core stands by. */
  handlers(): TunnelHandlers | undefined;
}

/** Answers the streams that relays open; one for all relays, as a request may come by two of them. */
export class StreamServer {
  readonly #parts: ServerParts;
  readonly #duplicates = new Duplicates();

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  /** Takes over one stream; whatever fails, fails on that stream alone. */
  open(stream: Stream, fields: Fields): void {
    const handlers = this.#parts.handlers();
    if (handlers === undefined) {
      this.#refuse(stream, ResetCode.notLeader, "this core stands by");
      return;
    }
    if (stream.kind === "delivery") {
      takeDelivery(stream, fields, { ...this.#parts, handlers });
      return;
    }
    const head = readRequest(fields);
    if (!head.ok) {
      this.#parts.log.warn({ ...head.error }, "unreadable request head");
      this.#refuse(stream, ResetCode.protocol, "bad request head");
      return;
    }
    const caller = callerOf(head.value);
    if (stream.kind === "websocket") {
      const opening = { fields, head: head.value, caller };
      openSocket(stream, opening, { ...this.#parts, handlers });
    } else if (fieldOf(fields, ":retry") === "1" && this.#duplicates.has(caller.requestId)) {
      this.#parts.metrics.dedupeHits += 1;
      this.#refuse(stream, ResetCode.coreError, "already begun");
    } else {
      this.#openHttp(stream, head.value, caller, handlers);
    }
  }

  #openHttp(stream: Stream, head: RequestHead, caller: Caller, handlers: TunnelHandlers): void {
    const startedAt = performance.now();
    const { requestId } = caller;
    const { metrics } = this.#parts;
    this.#duplicates.begin(requestId, startedAt);
    const body = new IncomingBody(stream, () => stream.stop());
    const over = new AbortController();
    let request: TunnelRequest | undefined;
    stream.listen((event) => {
      if (event.type === "data") body.push(event.bytes);
      else if (event.type === "end") body.end();
      else if (event.type === "stop") over.abort();
      else if (event.type === "reset") {
        count(metrics.resets, event.code);
        over.abort();
        body.fail(new GatewayError("canceled", "The client left"));
        request?.abort();
      }
    });
    metrics.open.http += 1;
    const ended = (): void => {
      metrics.open.http -= 1;
      observe(metrics.streamSeconds, (performance.now() - startedAt) / 1_000);
    };
    // In a microtask the rest of this tunnel message is here: a small body is then whole.
    queueMicrotask(() => {
      if (stream.over) {
        ended();
        return;
      }
      try {
        request = requestOf(head, body);
      } catch {
        // TRACE and its kin, which the fetch standard has no requests of.
        ended();
        this.#refuse(stream, ResetCode.protocol, "unsupported method");
        return;
      }
      answer({ stream, request, caller, startedAt, signal: over.signal }, handlers).then(
        ended,
        (err: unknown) => {
          ended();
          this.#parts.log.error({ err, requestId }, "answer cut short");
          this.#refuse(stream, ResetCode.coreError, "answer cut short");
        },
      );
    });
  }

  #refuse(stream: Stream, code: ResetCode, reason: string): void {
    count(this.#parts.metrics.resets, code);
    stream.reset(code, reason);
  }
}

interface Exchange {
  readonly stream: Stream;
  readonly request: Request;
  readonly caller: Caller;
  readonly startedAt: number;
  /** Aborts when nobody reads the answer any more. */
  readonly signal: AbortSignal;
}

async function answer(
  { stream, request, caller, startedAt, signal }: Exchange,
  handlers: TunnelHandlers,
): Promise<void> {
  const response = await handlers.fetch(request, caller);
  const { status, headers, body } = response;
  const durationMs = (performance.now() - startedAt).toFixed(1);
  const timing = ["server-timing", `core;dur=${durationMs}`] as const;
  const head = encodeFields([...responseFields(status, headers), timing]);
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

function callerOf({ meta, headers }: RequestHead): Caller {
  const { principal, requestId, clientIp: ip, deadlineMs } = meta;
  const traceparent = traceparentOf(headers.get("traceparent"), requestId);
  const { deviceId, connect } = meta;
  const operatorScopes = meta.operatorScopes?.filter(isOperatorScope);
  const known = { operatorScopes, deviceId, connect };
  return { principal, ...known, requestId, ip, via: "edge", traceparent, deadlineMs };
}

/** One of a later version is one we cannot grant. */
function isOperatorScope(name: string): name is OperatorScope {
  return OPERATOR_SCOPES.some((scope) => scope === name);
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
