import { DurableObject } from "cloudflare:workers";
import { CloseCode } from "../../shared/close-code.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import { problemResponse } from "../../shared/problem.ts";
import { chooseProtocol } from "../../shared/tunnel/handshake.ts";
import { type Bindings, sealerOf } from "../env.ts";
import { logLine } from "../log.ts";
import {
  BUNDLE_VERSION_HEADER,
  CALL_HEADER,
  type CallOf,
  decodeCall,
  DISPUTED_HEADER,
  type RelayCall,
  type StateAnswer,
} from "../relay-call.ts";
import { CLIENT_TAG, CORE_TAG, readCore } from "./attachment.ts";
import { Clients } from "./clients.ts";
import { requestsOf } from "./core-requests.ts";
import { serveCore } from "./core-service.ts";
import { Cores } from "./cores.ts";
import { Diary, newest, type WakeCause } from "./diary.ts";
import { Forwarder } from "./forwarder.ts";
import { Keeper } from "./keeper.ts";
import { type PairError, Registry } from "./registry.ts";
import { relayState } from "./state.ts";
import { Webhooks } from "./webhooks.ts";

/**
 * Where cores' tunnels and everybody who wants to talk to them meet. One object, near the core.
 *
 * It may be put to sleep between any two events, so nothing lives in a field that storage or a
 * socket's attachment does not hold too. No timers that outlive a request, no outbound calls:
 * either would keep it awake, and awake is what it costs.
 */
export class Relay extends DurableObject<Bindings> {
  readonly #registry: Registry;
  readonly #diary: Diary;
  readonly #cores: Cores;
  readonly #clients: Clients;
  readonly #webhooks: Webhooks;
  readonly #forwarder: Forwarder;
  readonly #keeper = new Keeper();
  #alarmAt = Number.POSITIVE_INFINITY;

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env);
    const sockets = ctx.getWebSockets(CORE_TAG);
    // Once after every sleep: what it costs to run a relay is what these lines say.
    logLine("info", { event: "relay_awake", core: sockets.length > 0 });
    const kept = sockets.map((socket) => readCore(socket));
    this.#diary = new Diary(newest(kept.map((core) => core?.diary ?? {})), Date.now());
    this.#registry = new Registry(ctx.storage.sql, sealerOf(env));
    this.#webhooks = new Webhooks({
      storage: ctx.storage,
      kept: kept.flatMap((core) => core?.webhooks ?? []),
      session: () => this.#cores.session(Date.now()),
      wakeAt: (at) => this.#wakeAt(at),
      changed: () => this.#cores.all().forEach((link) => this.#keeper.mark(link)),
    });
    this.#clients = new Clients(ctx, {
      worker: () => this.#cores.pick(Date.now()),
      works: (link) => this.#cores.leads(link),
      linkOf: (id) => this.#cores.all().find((link) => link.id === id),
      wakeAt: (at) => this.#wakeAt(at),
      keeper: this.#keeper,
    });
    this.#cores = this.#connectCores(ctx);
    this.#forwarder = new Forwarder({
      cores: this.#cores,
      clients: this.#clients,
      registry: this.#registry,
    });
    if (this.#webhooks.any || ctx.getWebSockets(CLIENT_TAG).length > 0) {
      // What waits has an alarm already: it may be brought forward, never put off.
      ctx
        .blockConcurrencyWhile(async () => {
          this.#alarmAt = (await ctx.storage.getAlarm()) ?? Number.POSITIVE_INFINITY;
        })
        .catch((error: unknown) => logLine("error", { event: "no_alarm", err: String(error) }));
    }
    // The core's heartbeat: answered by the runtime, while this object sleeps.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("p", "P"));
  }

  /** Only the Worker can reach this, and it has checked the caller. */
  override async fetch(request: Request): Promise<Response> {
    const call = decodeCall(request.headers.get(CALL_HEADER));
    this.#diary.note(CAUSES[call.kind], Date.now());
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
    const link = this.#cores.of(socket);
    this.#diary.note(link === undefined ? "socket" : "core", Date.now());
    if (link !== undefined) {
      link.receive(message);
      await this.#webhooks.sent();
    } else {
      const client = this.#clients.of(socket);
      if (client === undefined) socket.close(CloseCode.replaced, "another connection took over");
      else await client.receive(message);
    }
  }

  override async webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    const link = this.#cores.of(socket);
    this.#diary.note(link === undefined ? "socket" : "core", Date.now());
    if (link === undefined) {
      await this.#clients.of(socket)?.closed(code, reason);
      return;
    }
    logLine("info", { event: "core_gone", code, reason: reason.slice(0, 120) });
    // The runtime does not answer a close for us.
    link.drop(code === CloseCode.goingAway ? code : CloseCode.normal, "");
  }

  override webSocketError(socket: WebSocket): Promise<void> {
    return this.webSocketClose(socket, 1006, "");
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    const now = Date.now();
    this.#diary.note("alarm", now);
    try {
      const next = this.#clients.expire(now);
      if (next !== undefined) this.#wakeAt(next);
      await this.#webhooks.alarm(now);
    } catch (error) {
      // Whatever went wrong, what waits must be tried again.
      logLine("error", { event: "alarm_failed", err: String(error) });
      await this.ctx.storage.setAlarm(now + LIMITS.coreDeadMs);
    }
  }

  #connectCores(ctx: DurableObjectState): Cores {
    const registry = this.#registry;
    return new Cores(ctx, {
      edgeKey: () => registry.edgeKey(),
      keeper: this.#keeper,
      fence: (store) => registry.fence(store),
      remember: (fence) => registry.remember(fence),
      served: () => registry.served,
      serves: (does) => {
        registry.serves(does);
        if (!does) this.#webhooks.coreLeft();
      },
      routing: () => registry.routing,
      diary: () => this.#diary.entries,
      webhooks: () => this.#webhooks.kept,
      stats: () => relayState({ ...this.#requestParts, now: Date.now(), brief: true }),
      onWorkers: () => {
        this.#forwarder.open();
        this.#clients.moveToWorkers();
        this.#webhooks.coreCame();
      },
      onLost: (link) => {
        if (this.#cores.all().length === 0) this.#webhooks.coreGone();
        this.#clients.coreLost(link);
      },
      onOpen: (link, stream, fields) =>
        serveCore(stream, fields, requestsOf(link, this.#requestParts)),
      onLateAnswer: (answer, code, fields) => this.#webhooks.lateAnswer(answer, code, fields),
      onUnknownStream: (link, id) => this.#clients.resume(link, id),
      onSocketChange: (stream) => this.#clients.changed(stream),
    });
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
      const path = new URL(request.url).pathname;
      return problemResponse(error, { hop: "relay", requestId, path });
    }
  }

  async #serve(call: RelayCall, request: Request): Promise<Response> {
    switch (call.kind) {
      case "http":
      case "websocket":
        return this.#forwarder.forward(call, request);
      case "deliver":
        return this.#deliver(call, request);
      case "refusals":
        this.#webhooks.refused(call.refused);
        return new Response(null, { status: 204 });
      case "tunnel":
        return this.#acceptCore(call, request);
      case "pair":
        return this.#pair(call);
      case "bundle":
        return Response.json(this.#registry.answer());
      case "identity":
        return Response.json(await this.#registry.identity());
      case "state":
        return Response.json(this.#summary());
      case "probe":
        return Response.json({ connected: this.#cores.pick(Date.now()) !== undefined });
    }
  }

  #deliver(call: CallOf<"deliver">, request: Request): Promise<Response> | Response {
    if (this.#registry.hasRoute(call.mark)) return this.#webhooks.deliver(call, request);
    this.#webhooks.refused(call.refused ?? []);
    return new Response(null, { status: 409, headers: { [DISPUTED_HEADER]: "1" } });
  }

  get #requestParts(): Parameters<typeof requestsOf>[1] {
    return {
      cores: this.#cores,
      clients: this.#clients,
      registry: this.#registry,
      webhooks: this.#webhooks,
      diary: this.#diary,
    };
  }

  #summary(): StateAnswer {
    const now = Date.now();
    const worker = this.#cores.pick(now);
    const seen = this.#cores.lastSeenAt();
    return {
      connected: worker !== undefined,
      lastSeenAt: seen === 0 ? null : seen,
      coreVersion: worker?.attachment.greeting?.version ?? null,
      spooled: this.#webhooks.waiting,
      colo: worker?.attachment.colo ?? null,
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
    if (!this.#registry.admits(call, now)) {
      throw new GatewayError("unauthenticated", "A valid signature of a known key is required");
    }
    if (call.identity !== undefined) this.#registry.adopt(call.identity);
    const isFirst = call.relays?.split(" ")[0] === call.relay;
    if (!isFirst && !this.#registry.hasIdentity) {
      // Made here, it would be another edge's for a core that knows the first relay's.
      throw new GatewayError("core_offline", "The first relay cannot be reached", {
        retryAfterMs: 1_000,
      });
    }
    const webSocket = this.#cores.accept(call, now);
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

const CAUSES = {
  http: "request",
  websocket: "request",
  deliver: "webhook",
  refusals: "webhook",
  tunnel: "core",
  pair: "core",
  bundle: "question",
  identity: "question",
  state: "question",
  probe: "question",
} satisfies Record<RelayCall["kind"], WakeCause>;

const PAIR_ERRORS = {
  replayed: () => new GatewayError("replayed", "This pairing request was used before"),
  secret_used: () =>
    new GatewayError("conflict", "This pairing secret has let in another core; set a new one"),
  too_many_keys: () =>
    new GatewayError("conflict", "This edge knows as many core keys as it may; revoke one first"),
} satisfies Record<PairError, () => GatewayError>;
