import type { Logger } from "pino";
import type { Secret } from "../../shared/secret.ts";
import { createTools } from "../agents/tools/registry.ts";
import type { Channel } from "../channels/channel.ts";
import { systemClock } from "../channels/clock.ts";
import type { Settings } from "../config/settings.ts";
import { startEngine } from "../conversation/engine.ts";
import { EventStreams } from "../http/events.ts";
import { resumable } from "../resume/resumable.ts";
import { ResumeSessions } from "../resume/sessions.ts";
import type { Store } from "../store/store.ts";
import type { Tunnel, TunnelHandlers } from "../tunnel/handlers.ts";
import { createApp } from "./app.ts";
import { Authenticator, type Origin } from "./auth.ts";
import { accessTo, routeOf } from "./chat-policy.ts";
import { Connections } from "./connections.ts";
import { healthMethod, type HealthSource, snapshot } from "./health.ts";
import { LocalAdmission } from "./local-admission.ts";
import { Lockout } from "./lockout.ts";
import { pairingMethods } from "./pairing-methods.ts";
import type { Prepared } from "./prepared.ts";
import { RelayReports } from "./relay-reports.ts";
import type { LocalHandlers } from "./serve.ts";
import { storeProbe } from "./store-probe.ts";
import { supervise } from "./supervise.ts";
import { tunnelHandlers } from "./tunnel-handlers.ts";
import { tunnelMethods } from "./tunnel-methods.ts";
import { boundedTurns } from "./turns.ts";
import { WebhookBase } from "./webhook-base.ts";
import { createWebhooks, webhookHandlers, webhookSenders } from "./webhooks.ts";

/** Of a drain, kept back for answers that were cut off to reach their clients. */
const CUT_OFF_MS = 1_000;

export interface LeaderParts {
  readonly settings: Settings;
  readonly prepared: Prepared;
  readonly version: string;
  readonly startedAt: number;
  readonly store: Store;
  /** Undefined: no edge is configured, or it is not dialled yet. */
  readonly tunnel: () => Tunnel | undefined;
  readonly log: Logger;
}

/** All that works on the store. Disposing it ends what it began; the store stays open. */
export interface Leader extends AsyncDisposable {
  /** For our own port. */
  readonly local: LocalHandlers;
  /** For the edge. */
  readonly remote: TunnelHandlers;
  /** Channels begin to receive. */
  start(): void;
  /** Takes nothing new from anywhere but the edge; settles when what is under way is done or cut off. */
  drain(deadlineMs: number): Promise<void>;
  /** Says goodbye to the clients of our own port. */
  leave(): Promise<void>;
}

/** Builds what only a leader has, in the order data flows. */
export function createLeader(parts: LeaderParts): Leader {
  const { settings, prepared, version, startedAt, store, tunnel, log } = parts;
  const { models, model, channels, bundle, ingress } = prepared;
  const clock = systemClock;
  const { random } = Math;
  const { now } = clock;
  /** Aborts what takes in work, and later what is still under way. */
  const stop = new AbortController();
  const cutOff = new AbortController();
  const channel = (id: string): Channel | undefined => channels.find((one) => one.id === id);
  const tools = createTools(now);
  const engine = startEngine({
    store,
    agent: () => ({ models, tools, system: settings.systemPrompt ?? "" }),
    channel,
    senders: webhookSenders({ store, ingress, clock }),
    access: (id) => accessTo(id, settings),
    route: () => routeOf(settings),
    handlers: webhookHandlers({
      ingress,
      store,
      clock,
      random,
      log: log.child({ part: "forward" }),
    }),
    clock,
    random,
    log,
  });
  const webhooks = createWebhooks({
    ingress,
    channel,
    store,
    engine,
    tunnel,
    edgeUrl: settings.edge?.url,
    fetch: (request, origin) => app.fetch(request, origin),
    port: settings.gateway.port,
    clock,
    stop: stop.signal,
    log: log.child({ part: "webhooks" }),
  });

  const health: HealthSource = {
    version,
    model,
    edge: () => tunnel()?.state,
    channels: () => channels.map(({ id }) => id),
    role: () => (stop.signal.aborted ? "draining" : "leader"),
    canSave: storeProbe(store, now),
    now,
    startedAt,
  };
  const authenticator = authenticatorOf(settings, settings.gateway.token.secret);
  const run = boundedTurns(engine.conversations, settings.limits.turnTimeoutMs, cutOff.signal);
  const reports = new RelayReports(tunnel);
  const http = log.child({ part: "http" });
  const app = createApp({
    authenticator,
    health,
    chat: settings.config.gateway.http.endpoints.chatCompletions.enabled
      ? { run, model, streams: new EventStreams(now), now, log: http }
      : undefined,
    hooks: {
      path: ingress().path,
      desk: webhooks.desk,
      admission: new LocalAdmission(),
      ...guardOf(settings),
      now,
    },
    metrics: { tunnel, reports, webhooks: webhooks.counts, ...settings.config.sallyport.metrics },
    model,
    log: http,
  });
  const { mode } = settings;
  const connections = new Connections({
    authenticator,
    methods: new Map([
      ["health", healthMethod(health)],
      ...pairingMethods(engine.pairing),
      ...tunnelMethods({ tunnel, reports, mode, lease: store.lease, now }),
      ...webhooks.methods,
    ]),
    snapshot: () => snapshot(health),
    version,
    now,
  });

  const fetch = (request: Request, origin: Origin): Response | Promise<Response> =>
    app.fetch(request, origin);
  const loops: Promise<void>[] = [];
  /** Of the edge only: on our own port there is no relay that could be lost. */
  const resumed = new ResumeSessions();
  return {
    local: {
      fetch: (request, peer) => fetch(request, { via: "local", ...peer }),
      upgrade(_request, peer) {
        connections.checkRoom();
        return (socket) => connections.add(socket, { via: "local", ...peer });
      },
    },
    remote: resumable(
      tunnelHandlers({
        fetch,
        connections,
        deliver: (delivery) => webhooks.desk.take(delivery),
        bundle,
      }),
      resumed,
    ),
    start() {
      const base = new WebhookBase();
      const dialled = tunnel();
      if (dialled !== undefined) base.follow(dialled, settings.edge?.url ?? "");
      const accept: typeof engine.accept = (source, events) => engine.accept(source, events);
      loops.push(webhooks.watch());
      for (const one of channels) {
        const receive = (signal: AbortSignal): Promise<void> =>
          one.run(base.contextFor(one, accept), signal);
        loops.push(supervise(one.id, receive, stop.signal, { clock, random, log }));
      }
    },
    async drain(deadlineMs) {
      stop.abort();
      const patienceMs = Math.max(0, deadlineMs - CUT_OFF_MS);
      const late = setTimeout(() => cutOff.abort(), patienceMs);
      await Promise.all([engine.drain(patienceMs), connections.settle(deadlineMs), ...loops]);
      clearTimeout(late);
    },
    leave: () => connections.close(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      cutOff.abort();
      await Promise.all([connections.close(), ...loops]);
      resumed[Symbol.dispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

/** Whoever knows `credential` may come in. */
export function authenticatorOf(settings: Settings, credential: Secret): Authenticator {
  const { lockout, exemptLoopback } = guardOf(settings);
  return new Authenticator({ credentials: [credential], exemptLoopback }, lockout, () =>
    Date.now(),
  );
}

/** How often who may try; each door counts for itself. */
function guardOf({ config }: Settings): { lockout: Lockout; exemptLoopback: boolean } {
  const { exemptLoopback, ...policy } = config.gateway.auth.rateLimit;
  return { lockout: new Lockout(policy), exemptLoopback };
}
