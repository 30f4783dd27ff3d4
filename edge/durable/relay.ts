import { DurableObject } from "cloudflare:workers";
import { CloseCode } from "../../shared/close-code.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import { problemResponse } from "../../shared/problem.ts";
import { chooseProtocol } from "../../shared/tunnel/handshake.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import type { Session } from "../../shared/tunnel/session.ts";
import type { Bindings } from "../env.ts";
import { logLine } from "../log.ts";
import {
  BUNDLE_VERSION_HEADER,
  CALL_HEADER,
  type CallOf,
  decodeCall,
  type RelayCall,
  type StateAnswer,
} from "../relay-call.ts";
import { CORE_TAG, readClient } from "./attachment.ts";
import { ClientSockets } from "./client-socket.ts";
import { CoreLink } from "./core-link.ts";
import { serveCore } from "./core-service.ts";
import { exchange } from "./http-exchange.ts";
import { Inbox } from "./inbox.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { type PairError, Registry } from "./registry.ts";
import { Spool } from "./spool.ts";

/**
 * Where the core's tunnel and everybody who wants to talk to it meet. One object, near the core.
 *
 * It may be put to sleep between any two events, so nothing lives in a field that storage or a
 * socket's attachment does not hold too. No timers that outlive a request, no outbound calls:
 * either would keep it awake, and awake is what it costs.
 */
export class Relay extends DurableObject<Bindings> {
  readonly #registry: Registry;
  readonly #spool: Spool;
  readonly #link: CoreLink;
  readonly #sockets: ClientSockets;
  readonly #inbox: Inbox;
  readonly #limiter = new RateLimiter();
  #alarmAt = Number.POSITIVE_INFINITY;

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env);
    // Once after every sleep: what it costs to run a relay is what these lines say.
    logLine("info", { event: "relay_awake", core: ctx.getWebSockets(CORE_TAG).length > 0 });
    this.#registry = new Registry(ctx.storage.sql);
    this.#spool = new Spool(ctx.storage.sql);
    this.#sockets = new ClientSockets(ctx);
    this.#inbox = new Inbox({
      session: () => this.#session(),
      spool: this.#spool,
      wakeAt: (at) => this.#wakeAt(at),
    });
    if (this.#spool.items > 0) {
      // What waits has an alarm already: it may be brought forward, never put off.
      ctx
        .blockConcurrencyWhile(async () => {
          this.#alarmAt = (await ctx.storage.getAlarm()) ?? Number.POSITIVE_INFINITY;
        })
        .catch((error: unknown) => logLine("error", { event: "no_alarm", err: String(error) }));
    }
    // The core's heartbeat: answered by the runtime, while this object sleeps.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("p", "P"));
    this.#link = new CoreLink(ctx, {
      edgeKey: () => this.#registry.edgeKey(),
      onReady: () => this.#inbox.drain(Date.now()),
      onLost: () => {
        this.#inbox.coreLost();
        this.#sockets.closeAll(CloseCode.restart, "the core was lost");
      },
      onOpen: (stream, fields) =>
        serveCore(stream, fields, (bundle) => this.#registry.publish(bundle)),
      onLateAnswer: (answer, code, fields) => this.#inbox.lateAnswer(answer, code, fields),
      onUnknownStream: (id) => {
        const session = this.#session();
        return session === undefined ? undefined : this.#sockets.resume(session, id);
      },
      onSocketChange: (stream) => this.#sockets.persist(stream),
    });
  }

  /** Only the Worker can reach this, and it has checked the caller. */
  override async fetch(request: Request): Promise<Response> {
    const call = decodeCall(request.headers.get(CALL_HEADER));
    const response = await this.#answer(call, request);
    if (!response.ok && request.body !== null && !request.bodyUsed) {
      // Unread, the rest of an upload would reset the connection before our answer is seen.
      this.ctx.waitUntil(request.body.pipeTo(new WritableStream()).catch(() => undefined));
    }
    // On refusals too: that a token is not good any more is news for the isolate that let it in.
    const version = this.#registry.bundleVersion;
    const known = "bundleVersion" in call && call.bundleVersion === version;
    if (!known && response.webSocket === null) {
      response.headers.set(BUNDLE_VERSION_HEADER, String(version));
    }
    return response;
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    if (this.#link.owns(socket)) {
      if (typeof message === "string") socket.close(CloseCode.unsupportedData, "binary only");
      else this.#link.receive(message);
      await this.#inbox.sent();
    } else if (readClient(socket) === undefined) {
      socket.close(CloseCode.replaced, "another connection took over");
    } else {
      await this.#sockets.receive(this.#session(), socket, message);
    }
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    if (this.#link.owns(socket)) {
      logLine("info", { event: "core_gone", code, reason: reason.slice(0, 120) });
      this.#link.closed();
    }
    this.#sockets.closed(this.#session(), socket, code, reason);
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006, "");
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    const now = Date.now();
    try {
      this.#spool.expire(now - LIMITS.spoolRetentionMs, now - LIMITS.deadLetterRetentionMs);
      this.#inbox.drain(now);
      await this.#inbox.sent();
    } catch (error) {
      // Whatever went wrong, what waits must be tried again.
      logLine("error", { event: "alarm_failed", err: String(error) });
      await this.ctx.storage.setAlarm(now + LIMITS.coreDeadMs);
    }
  }

  #session(): Session | undefined {
    return this.#link.live(Date.now());
  }

  async #answer(call: RelayCall, request: Request): Promise<Response> {
    try {
      return await this.#serve(call, request);
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        const err = error instanceof Error ? error.stack : String(error);
        logLine("error", { event: "relay_failed", kind: call.kind, err });
      }
      const requestId = "requestId" in call ? call.requestId : crypto.randomUUID();
      return refusal(error, request, requestId);
    }
  }

  async #serve(call: RelayCall, request: Request): Promise<Response> {
    switch (call.kind) {
      case "http":
        return this.#limited(request, call, (session, added) =>
          exchange(session, request, call, added),
        );
      case "websocket":
        return this.#limited(request, call, (session) =>
          this.#sockets.open(session, request, call),
        );
      case "deliver": {
        const body = new Uint8Array(await request.arrayBuffer());
        return Response.json(await this.#inbox.accept(call, request.headers, body));
      }
      case "tunnel":
        return this.#acceptCore(call, request);
      case "pair":
        return this.#pair(call);
      case "bundle":
        return Response.json(this.#registry.answer());
      case "state":
        return Response.json(this.#state());
    }
  }

  async #limited(
    request: Request,
    call: CallOf<"http" | "websocket">,
    forward: (session: Session, added: Fields) => Promise<Response>,
  ): Promise<Response> {
    // Revocations reach this object before the isolates that let callers in.
    if (!this.#registry.accepts(call.digest)) {
      throw new GatewayError("unauthenticated", "A valid bearer token is required");
    }
    const spent = this.#limiter.spend(call.subject, this.#registry.rate, Date.now());
    const added: Fields = [...spent.headers, ["x-request-id", call.requestId]];
    try {
      if (!spent.allowed) {
        throw new GatewayError("rate_limited", "Too many requests; slow down", spent);
      }
      const session = this.#session();
      if (session === undefined) throw this.#offline();
      return await forward(session, added);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const response = refusal(error, request, call.requestId);
      for (const [name, value] of added) response.headers.set(name, value);
      return response;
    }
  }

  #offline(): GatewayError {
    const { lastSeenAt } = this.#state();
    const seen = lastSeenAt === null ? "has not connected yet" : "is not connected";
    return new GatewayError("core_offline", `The core ${seen}`, { retryAfterMs: 5_000 });
  }

  #state(): StateAnswer {
    const seen = this.#link.lastSeenAt();
    return {
      connected: this.#session() !== undefined,
      lastSeenAt: seen === 0 ? null : seen,
      coreVersion: this.#link.version ?? null,
      spooled: this.#spool.items,
    };
  }

  #acceptCore(call: CallOf<"tunnel">, request: Request): Response {
    const protocol = chooseProtocol(request.headers.get("Sec-WebSocket-Protocol"));
    if (protocol === undefined) {
      throw new GatewayError("version_unsupported", "No common tunnel protocol");
    }
    const now = Date.now();
    if (!this.#registry.useNonce(call.kid, call.nonce, now)) {
      throw new GatewayError("replayed", "This connect request was used before");
    }
    const webSocket = this.#link.accept(call, now);
    logLine("info", { event: "core_connected", kid: call.kid, instance: call.instance });
    const headers = { "Sec-WebSocket-Protocol": protocol };
    return new Response(null, { status: 101, webSocket, headers });
  }

  async #pair(call: CallOf<"pair">): Promise<Response> {
    const paired = await this.#registry.pair(call, Date.now());
    if (!paired.ok) throw PAIR_ERRORS[paired.error]();
    logLine("info", { event: "core_paired", kid: call.kid });
    return Response.json(paired.value);
  }

  #wakeAt(at: number): void {
    if (at >= this.#alarmAt) return;
    this.#alarmAt = at;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(at));
  }
}

const PAIR_ERRORS = {
  replayed: () => new GatewayError("replayed", "This pairing request was used before"),
  secret_used: () =>
    new GatewayError("conflict", "This pairing secret has let in another core; set a new one"),
  too_many_keys: () =>
    new GatewayError("conflict", "This edge knows as many core keys as it may; revoke one first"),
} satisfies Record<PairError, () => GatewayError>;

function refusal(error: unknown, request: Request, requestId: string): Response {
  const path = new URL(request.url).pathname;
  return problemResponse(error, { hop: "relay", requestId, path });
}
