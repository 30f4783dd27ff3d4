import type { Channel } from "../../channels/channel.ts";
import { systemClock } from "../../channels/clock.ts";
import type { Settings } from "../../config/settings.ts";
import { resumable } from "../../resume/resumable.ts";
import type { TunnelHandlers } from "../../tunnel/handlers.ts";
import { apiParts } from "../app/api-parts.ts";
import { createApp } from "../app/app.ts";
import { LocalAdmission } from "../app/local-admission.ts";
import { storeProbe } from "../app/store-probe.ts";
import { createDoor } from "../auth/door.ts";
import { Lockout } from "../auth/lockout.ts";
import { withDevices } from "../edge-bundle.ts";
import { fullHealth, type HealthSource } from "../health.ts";
import { createChatDesk } from "../methods/chat-methods.ts";
import { leaderMethods } from "../methods/leader-methods.ts";
import { startOperations } from "../methods/operations.ts";
import { RelayReports } from "../methods/relay-reports.ts";
import type { LocalHandlers } from "../port/serve.ts";
import { slowRefusal } from "../port/slow-refusal.ts";
import type { Farewell } from "../rpc/connections.ts";
import { tunnelHandlers } from "../tunnel-handlers.ts";
import { boundedTurns } from "../turns.ts";
import { WebhookBase } from "../webhook-base.ts";
import { createWebhooks } from "../webhooks.ts";
import { warnOfSharers } from "../shared-main.ts";
import { ChannelRunner } from "./channel-runner.ts";
import { Gate } from "./gate.ts";
import { publicKeyOf } from "./identity.ts";
import { startLeaderEngine } from "./leader-engine.ts";
import type { LeaderParts } from "./leader-parts.ts";
import { blockersOf, Work } from "./work.ts";

/** Of a drain, kept back for answers that were cut off to reach their clients. */
const CUT_OFF_MS = 1_000;

/** All that works on the store. Disposing it ends what it began; the store stays open. */
export interface Leader extends AsyncDisposable {
  /** For our own port. */
  readonly local: LocalHandlers;
  /** For the edge. */
  readonly remote: TunnelHandlers;
  /** What an end would cut off. */
  readonly work: Pick<Work, "jobs" | "changed">;
  /** Whether a request asks for work, which waits while work waits. */
  isWork(request: Request): boolean;
  /** True: begins no work from now on; false: does so again. */
  hold(holds: boolean): void;
  /** Channels begin to receive. */
  start(): void;
  /** Takes nothing new from anywhere but the edge; settles when what is under way is done or cut off. */
  drain(deadlineMs: number): Promise<void>;
  /** Says goodbye to the clients of our own port. */
  leave(farewell?: Farewell): Promise<void>;
}

/** Builds what only a leader has, in the order data flows. */
export function createLeader(parts: LeaderParts): Leader {
  const { settings, prepared, version, startedAt, store, tunnel, connections, log } = parts;
  const { suspension, endedRuns } = parts;
  const { model, bundle, ingress, directory } = prepared;
  const { stateDir } = settings;
  const clock = systemClock;
  const { random } = Math;
  const { now } = clock;
  /** Aborts what takes in work, and later what is still under way. */
  const stop = new AbortController();
  const cutOff = new AbortController();
  const channel = (id: string): Channel | undefined =>
    prepared.channels.find((one) => one.id === id);
  const { path: hooksPath } = ingress();
  // Before the engine, whose workers ask it at once whether they may begin.
  const gate = new Gate({ suspension, underWay: () => work.requests, hooksPath });
  const { engine, automation } = startLeaderEngine({
    prepared,
    store,
    connections,
    channel,
    mayBegin: () => !gate.isShut,
    endedRuns,
    clock,
    stop: stop.signal,
    log,
  });
  const work = new Work(engine.runs, now);
  suspension.lookAt(() => blockersOf(work.runs));
  const hub = automation.watched(connections);
  const chats = createChatDesk({
    engine,
    store,
    directory,
    channel,
    connections,
    hub,
    stateDir,
    now,
    prepared,
    version,
    startedAt,
    tunnel,
  });
  const webhooks = createWebhooks({
    ingress,
    channel,
    store,
    engine,
    tunnel,
    clock,
    stop: stop.signal,
    edgeUrl: settings.edge?.url,
    fetch: (request, origin) => app.fetch(request, origin),
    port: settings.gateway.port,
    log: log.child({ part: "webhooks" }),
  });
  const health: HealthSource = {
    version,
    model,
    edge: () => tunnel()?.state,
    channels: () => prepared.channels.map(({ id }) => id),
    role: () => (stop.signal.aborted ? "draining" : "leader"),
    configRefusal: parts.configRefusal,
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
    life: parts.life,
    stability: parts.stability,
    enqueue: (text, key, id) => void automation.events.enqueue(key, text, id),
    restart: parts.restart,
    pendingRestart: parts.pendingRestart,
    configRefusal: parts.configRefusal,
    publicKey: () => publicKeyOf(stateDir, tunnel()),
    logFile: parts.logFile,
    port: parts.port,
  });
  const http = log.child({ part: "http" });
  const { turnTimeoutMs } = settings.limits;
  const app = createApp({
    authenticator,
    health,
    api: apiParts({
      directory,
      settings: prepared.settings,
      run: boundedTurns(engine.conversations, turnTimeoutMs, cutOff.signal, work.turns),
      store,
      status: () => fullHealth(health),
      version,
      hooksPath,
      now,
      log: http,
    }),
    hooks: {
      path: hooksPath,
      desk: webhooks.desk,
      admission: new LocalAdmission(),
      ...guardOf(settings),
      now,
    },
    metrics: {
      tunnel,
      reports,
      webhooks: webhooks.counts,
      models: () => store.usage.counts(),
      ...settings.config.sallyport.metrics,
    },
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
  const others = [operations.methods, door.methods, webhooks.methods, chats.methods];
  const methods = leaderMethods({
    leader: parts,
    engine,
    automation,
    runner,
    reports,
    others,
    now,
  });
  connections.resume({
    authenticator,
    methods: gate.methods(methods),
    snapshot: (scopes) => operations.snapshot(scopes),
    version,
    now,
  });
  const fetch = gate.fetch((request, origin) => app.fetch(request, origin));
  const loops: Promise<void>[] = [];
  return {
    work,
    isWork: (request) => gate.isWork(request),
    hold: (holds) => gate.hold(holds),
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
        bundle: () => withDevices(bundle(), door.devices.devices, door.devices.codes.live),
      }),
      parts.resumed,
    ),
    start() {
      const dialled = tunnel();
      if (dialled !== undefined) base.follow(dialled, settings.edge?.url ?? "", hooksPath);
      const told = warnOfSharers(prepared.settings(), engine.pairing, log);
      loops.push(webhooks.watch(), automation.run(), told);
      prepared.onChange(() => void runner.sync(), stop.signal);
      void runner.sync();
    },
    async drain(deadlineMs) {
      stop.abort();
      const patienceMs = Math.max(0, deadlineMs - CUT_OFF_MS);
      const late = setTimeout(() => cutOff.abort(), patienceMs);
      await Promise.all([
        engine.drain(patienceMs),
        work.ended(deadlineMs),
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
      work[Symbol.dispose]();
    },
  };
}

/** How often who may try; each door counts for itself. */
function guardOf({ config }: Settings): { lockout: Lockout; exemptLoopback: boolean } {
  const { exemptLoopback, ...policy } = config.gateway.auth.rateLimit;
  return { lockout: new Lockout(policy), exemptLoopback };
}
