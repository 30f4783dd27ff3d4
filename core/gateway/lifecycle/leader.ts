import type { Logger } from "pino";
import type { Channel } from "../../channels/channel.ts";
import { systemClock } from "../../channels/clock.ts";
import type { Settings } from "../../config/settings.ts";
import { startEngine } from "../../conversation/engine.ts";
import { createAutomation } from "../../cron/automation.ts";
import { configMethods } from "../../methods/config/lazy.ts";
import { lazyApprovalMethods } from "../../methods/approvals/lazy.ts";
import { channelPairingMethods } from "../../methods/devices/channel-pairing.ts";
import { resumable } from "../../resume/resumable.ts";
import type { ResumeSessions } from "../../resume/sessions.ts";
import type { PresenceRegistry } from "../../methods/system/presence.ts";
import type { Store } from "../../store/store.ts";
import type { Tunnel, TunnelHandlers } from "../../tunnel/handlers.ts";
import { apiParts } from "../app/api-parts.ts";
import { automationMethods } from "../methods/automation-methods.ts";
import { createApp } from "../app/app.ts";
import { ChannelRunner } from "./channel-runner.ts";
import { createChatDesk } from "../methods/chat-methods.ts";
import { accessTo, routeOf } from "../chat-policy.ts";
import type { Connections, Farewell } from "../rpc/connections.ts";
import { createDoor } from "../auth/door.ts";
import { withDevices } from "../edge-bundle.ts";
import { fullHealth, type HealthSource } from "../health.ts";
import { LocalAdmission } from "../app/local-admission.ts";
import { Lockout } from "../auth/lockout.ts";
import { managementOf } from "../methods/management.ts";
import { pairingMethods } from "../methods/pairing-methods.ts";
import type { Prepared } from "./prepared.ts";
import { publicKeyOf } from "./identity.ts";
import { Gate, gateMethods, suspensionOf } from "./gate.ts";
import { startOperations } from "../methods/operations.ts";
import { RelayReports } from "../methods/relay-reports.ts";
import { reloadKind } from "./reload-kind.ts";
import type { LocalHandlers } from "../port/serve.ts";
import { slowRefusal } from "../port/slow-refusal.ts";
import { storeProbe } from "../app/store-probe.ts";
import { tunnelHandlers } from "../tunnel-handlers.ts";
import { tunnelMethods } from "../methods/tunnel-methods.ts";
import { boundedTurns } from "../turns.ts";
import { UnderWay } from "./under-way.ts";
import { WebhookBase } from "../webhook-base.ts";
import { createWebhooks, webhookHandlers, webhookSenders } from "../webhooks.ts";

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
  /** All clients, for as long as the process lives: this leader serves them from now on. */
  readonly connections: Connections;
  /** Of the edge only: on our own port there is no relay that could be lost. */
  readonly resumed: ResumeSessions;
  /** Who is there, whoever leads. */
  readonly presence: PresenceRegistry;
  /** Begins anew within the process, `delayMs` from now. Never rejects. */
  readonly restart: (reason: string, delayMs: number) => Promise<void>;
  /** The log file of this moment; undefined: there is none. */
  readonly logFile: () => string | undefined;
  /** Of our own port. */
  readonly port: () => number;
  /** Looks at the config and takes over what has changed there. */
  readonly reload: () => Promise<void>;
  /** Tells clients that the config was written; its hash as it is now. */
  readonly announce: (hash: string) => void;
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
  leave(farewell?: Farewell): Promise<void>;
}

/** Builds what only a leader has, in the order data flows. */
export function createLeader(parts: LeaderParts): Leader {
  const { settings, prepared, version, startedAt, store, tunnel, connections, resumed, log } =
    parts;
  const { model, bundle, ingress, directory } = prepared;
  const clock = systemClock;
  const { random } = Math;
  const { now } = clock;
  /** Aborts what takes in work, and later what is still under way. */
  const stop = new AbortController();
  const cutOff = new AbortController();
  const channel = (id: string): Channel | undefined =>
    prepared.channels.find((one) => one.id === id);
  const suspension = suspensionOf(() => engine.runs.active(), now);
  const mayBegin = (): boolean => suspension.isOpen;
  const automation = createAutomation({
    store,
    engine: () => engine,
    settings: prepared.settings,
    channels: () => prepared.channels.map(({ id }) => id),
    publish: (event, payload) => connections.publish(event, payload),
    mayBegin,
    clock,
    stop: stop.signal,
    log,
  });
  const engine = startEngine({
    store,
    systemNotes: automation.systemNotes,
    mayBegin,
    agent: (id, ref, sessionKey) => directory.settingsFor(id, ref, sessionKey),
    channel,
    senders: webhookSenders({ store, ingress, clock }),
    access: (id) => accessTo(id, prepared.settings()),
    route: (message) => routeOf(prepared.settings(), directory.defaultId(), message),
    turnTimeoutMs: () => prepared.settings().limits.turnTimeoutMs,
    handlers: new Map([
      ...automation.handlers,
      ...webhookHandlers({
        ingress,
        store,
        clock,
        random,
        log: log.child({ part: "forward" }),
      }),
    ]),
    clock,
    random,
    log,
  });
  const { stateDir } = settings;
  const chats = createChatDesk({
    engine,
    store,
    directory,
    channel,
    connections,
    hub: automation.watched(connections),
    stateDir,
    now,
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
    channels: () => prepared.channels.map(({ id }) => id),
    role: () => (stop.signal.aborted ? "draining" : "leader"),
    canSave: storeProbe(store, now),
    now,
    startedAt,
  };
  const door = createDoor({
    settings: prepared.settings,
    store: store.devices,
    connections,
    publish: () => tunnel()?.publish(),
    now,
    log,
  });
  const { authenticator } = door;
  const { turnTimeoutMs } = settings.limits;
  const requests = new UnderWay();
  const run = boundedTurns(engine.conversations, turnTimeoutMs, cutOff.signal, requests);
  const reports = new RelayReports(tunnel);
  const operations = startOperations({
    health,
    settings: prepared.settings,
    directory,
    store,
    connections,
    presence: parts.presence,
    activeRuns: () => engine.runs.active().length,
    suspension,
    enqueue: (text, key, id) => void automation.events.enqueue(key, text, id),
    restart: parts.restart,
    publicKey: () => publicKeyOf(settings.stateDir, tunnel()),
    logFile: parts.logFile,
    port: parts.port,
  });
  const http = log.child({ part: "http" });
  const app = createApp({
    authenticator,
    health,
    api: apiParts({
      directory,
      settings: prepared.settings,
      run,
      responses: store.responses,
      status: () => fullHealth(health),
      version,
      hooksPath: ingress().path,
      now,
      log: http,
    }),
    hooks: {
      path: ingress().path,
      desk: webhooks.desk,
      admission: new LocalAdmission(),
      ...guardOf(settings),
      now,
    },
    metrics: { tunnel, reports, webhooks: webhooks.counts, ...settings.config.sallyport.metrics },
    log: http,
  });
  const base = new WebhookBase();
  const runner = new ChannelRunner({
    channels: () => prepared.channels,
    contextFor: (one) => base.contextFor(one, (source, events) => engine.accept(source, events)),
    stop: stop.signal,
    clock,
    random,
    log,
  });
  const { mode } = settings;
  connections.resume({
    authenticator,
    methods: gateMethods(
      new Map([
        ...operations.methods,
        ...pairingMethods(engine.pairing),
        ...door.methods,
        ...channelPairingMethods({
          pairing: engine.pairing,
          channels: () => prepared.channels.map(({ id }) => id),
        }),
        ...lazyApprovalMethods({ store, hub: connections, stateDir: settings.stateDir, now }),
        ...tunnelMethods({ tunnel, reports, mode, lease: store.lease, now }),
        ...webhooks.methods,
        ...configMethods({
          settings: prepared.settings,
          reload: parts.reload,
          announce: parts.announce,
          reloadKind,
          version,
          now,
        }),
        ...automationMethods({ automation, store, settings: prepared.settings, directory, now }),
        ...chats.methods,
        ...managementOf(prepared, runner, store.sessions, now),
      ]),
      suspension,
    ),
    snapshot: (scopes) => operations.snapshot(scopes),
    version,
    now,
  });

  const gate = new Gate(suspension, requests);
  const fetch = gate.fetch((request, origin) => app.fetch(request, origin));
  const loops: Promise<void>[] = [];
  return {
    local: {
      fetch: async (request, peer) => slowRefusal(await fetch(request, { via: "local", ...peer })),
      upgrade(_request, peer) {
        connections.checkRoom();
        return (socket) => connections.add(socket, { via: "local", ...peer });
      },
    },
    remote: resumable(
      tunnelHandlers({
        fetch,
        connections,
        deliver: gate.deliver((delivery) => webhooks.desk.take(delivery)),
        bundle: () => withDevices(bundle(), door.devices.devices),
      }),
      resumed,
    ),
    start() {
      const dialled = tunnel();
      if (dialled !== undefined) base.follow(dialled, settings.edge?.url ?? "");
      loops.push(webhooks.watch(), automation.run());
      prepared.onChange(() => void runner.sync(), stop.signal);
      void runner.sync();
    },
    async drain(deadlineMs) {
      stop.abort();
      const patienceMs = Math.max(0, deadlineMs - CUT_OFF_MS);
      const late = setTimeout(() => cutOff.abort(), patienceMs);
      await Promise.all([
        engine.drain(patienceMs),
        requests.ended(deadlineMs),
        connections.settle(deadlineMs),
        runner.settled(),
        ...loops,
      ]);
      clearTimeout(late);
    },
    leave: (farewell) => connections.close(farewell),
    async [Symbol.asyncDispose]() {
      stop.abort();
      cutOff.abort();
      await Promise.all([runner.settled(), ...loops]);
      chats[Symbol.dispose]();
      operations[Symbol.dispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

/** How often who may try; each door counts for itself. */
function guardOf({ config }: Settings): { lockout: Lockout; exemptLoopback: boolean } {
  const { exemptLoopback, ...policy } = config.gateway.auth.rateLimit;
  return { lockout: new Lockout(policy), exemptLoopback };
}
