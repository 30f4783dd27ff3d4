import type { Logger } from "pino";
import { systemClock } from "../../channels/clock.ts";
import type { Settings } from "../../config/settings.ts";
import type { ModelIdentity } from "../../http/models.ts";
import { setLogLevel } from "../../log.ts";
import { openSqliteStore } from "../../store/sqlite/open.ts";
import { awaitSqliteStore } from "../../store/sqlite/wait.ts";
import type { Store } from "../../store/store.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";
import { callOnUs, whenCalledOn } from "./called-on.ts";
import { ConfigNews } from "./config-news.ts";
import { dialAlike, dialEdge } from "./dialled.ts";
import { Front, serveOptionsOf } from "../port/front.ts";
import { logLimitsOf } from "./log-limits.ts";
import { networkRulesOf } from "../auth/door.ts";
import { createLeader, type Leader } from "./leader.ts";
import { Office } from "./office.ts";
import { type Prepared, prepare } from "./prepared.ts";
import { type Follower, followConfig, readNow, type LoadSettings } from "./reload.ts";
import { GATEWAY_EFFECTS, type ReloadPlan } from "./reload-plan.ts";
import type { LocalHandlers, ServeOptions } from "../port/serve.ts";
import { standbyDesk } from "../app/standby-app.ts";
import { readVersion } from "../version.ts";

/** Work under way is given this long to end: below the 30 s after which orchestrators kill. */
const DRAIN_DEADLINE_MS = 20_000;
/** Of a restart within the process: whoever comes meanwhile waits, so less than for an end. */
const RESTART_DRAIN_MS = 10_000;
/** A leader that let go of the state is about to let go of the port: by then it has said goodbye. */
const PORT_PATIENCE_MS = 10_000;

const systemParts = { clock: systemClock, random: Math.random };

/** The parts of a gateway, as they come up. */
export class RunningGateway implements AsyncDisposable {
  readonly leads: Promise<void>;
  /** What was started with, or restarted. */
  #settings: Settings;
  #prepared: Prepared;
  readonly #log: Logger;
  readonly #logFile: () => string | undefined;
  readonly #version = readVersion();
  /** Clients, whoever leads here. */
  readonly #office: Office;
  readonly #leading = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  readonly #parts = new AsyncDisposableStack();
  /** The store and what works on it: in `#parts` as the first, so it goes last. */
  readonly #state: AsyncDisposableStack;
  readonly #startedAt = systemClock.now();
  #front: Front | undefined;
  #tunnel: Tunnel | undefined;
  #leader: Leader | undefined;
  #waiting: Promise<void> = Promise.resolve();
  #follower: Follower | undefined;
  readonly #news: ConfigNews;
  /** Restarts and changes of the settings, one after the other. */
  #restarting: Promise<void> = Promise.resolve();
  #store: Store | undefined;
  /** The config as it is now; undefined: there is none that could be run with. */
  #read: (() => Promise<Settings | undefined>) | undefined;

  /** @param logFile - The log file of the moment. */
  constructor(
    settings: Settings,
    prepared: Prepared,
    log: Logger,
    logFile: () => string | undefined = () => undefined,
  ) {
    this.#logFile = logFile;
    this.#settings = settings;
    this.#prepared = prepared;
    this.#log = log;
    this.#office = this.#parts.use(new Office(this.#version, () => this.#prepared.bundle()));
    this.#news = new ConfigNews(this.#office.connections, log);
    this.#state = this.#parts.use(new AsyncDisposableStack());
    this.leads = this.#leading.promise;
    // Whoever does not ask is told by the log.
    this.leads.catch(() => undefined);
  }

  get model(): ModelIdentity {
    return this.#prepared.model;
  }

  get port(): number {
    return this.#front?.port ?? this.#settings.gateway.port;
  }

  get url(): string {
    return this.#front?.url ?? "";
  }

  /** @throws GatewayError `conflict` when another gateway has the state or the port. */
  async lead(): Promise<void> {
    const { stateDir } = this.#settings;
    const { now } = systemClock;
    const store = this.#state.use(
      await openSqliteStore({
        stateDir,
        now,
        logLimits: () => logLimitsOf(this.#prepared.ingress()),
      }),
    );
    const leader = this.#createLeader(store);
    await this.#openFront(this.#office.seat.local).listen();
    await this.#dial(store);
    this.#tunnel?.lead(this.#office.seat.remote, store.lease);
    this.#begin(leader);
  }

  /** Settles when it stands by; `leads` tells how it goes on. */
  async standBy(): Promise<void> {
    let own: Store | undefined;
    const standby = standbyDesk({
      settings: () => this.#prepared.settings(),
      version: this.#version,
      model: () => this.model,
      tunnel: () => this.#tunnel,
      startedAt: this.#startedAt,
      waitsFor: () => (own === undefined ? "state" : "work"),
      log: this.#log.child({ part: "http" }),
    });
    await this.#openFront(standby).listenSoon();
    const shared = Promise.withResolvers<undefined>();
    const { stateDir } = this.#settings;
    const opening = awaitSqliteStore(
      {
        stateDir,
        now: systemClock.now,
        logLimits: () => logLimitsOf(this.#prepared.ingress()),
        onBusy: () => shared.resolve(undefined),
      },
      this.#stop.signal,
    );
    // Nobody else has it: it is ours alone, or the leader is away as well.
    own = await Promise.race([opening, shared.promise]);
    if (own !== undefined) this.#state.use(own);
    await this.#dial(own);
    this.#waiting = (own === undefined ? this.#waitFor(opening) : this.#leadIfCalledOn(own)).catch(
      (error: unknown) => this.#leading.reject(error),
    );
  }

  /** From now on, what changes in the config file takes effect, as far as that needs no restart. */
  follow(load: LoadSettings): void {
    this.#read = () => readNow(load, this.#log);
    this.#follower = this.#parts.use(
      followConfig({
        load,
        settings: this.#settings,
        effects: GATEWAY_EFFECTS,
        apply: (file, plan) => this.#change(() => this.#apply(file, plan)),
        restart: (file) => this.restart(file),
        accepted: (file) => this.#news.accept(file),
        log: this.#log.child({ part: "config" }),
      }),
    );
  }

  /**
   * Begins anew with other settings, within the process: turns under way end first, what comes
   * meanwhile waits, clients of the edge notice nothing, those of our own port are sent away and may
   * come back at once. The state stays ours all the time.
   *
   * @param settings - Left out: as the config is by then, or where it is none, as they are.
   * @throws GatewayError for settings it cannot run with: it runs on with those it had.
   */
  restart(settings?: Settings): Promise<void> {
    return this.#change(async () => {
      // Read when it is its turn: what was taken over meanwhile must not be undone.
      await this.#restart(settings ?? (await this.#read?.()) ?? this.#prepared.settings());
    });
  }

  #change(work: () => Promise<void>): Promise<void> {
    const next = this.#restarting.then(work);
    this.#restarting = next.catch(() => undefined);
    return next;
  }

  async drain(deadlineMs = DRAIN_DEADLINE_MS): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#waiting, this.#restarting]);
    // The edge knows first: until it has said so, all that it still sends is served.
    await Promise.all([
      this.#tunnel?.drain(deadlineMs),
      this.#front?.drain(deadlineMs),
      this.#leader?.drain(deadlineMs),
    ]);
    // As early as can be: whoever waits for the state leads from here on.
    await Promise.all([this.#leader?.leave(), this.#state.disposeAsync()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#waiting, this.#restarting]);
    await this.#leader?.leave();
    await this.#parts.disposeAsync();
  }

  async #restart(settings: Settings): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const before = { settings: this.#settings, prepared: this.#prepared };
    // Whatever can be found out before anything is given up.
    const prepared = await prepare(settings, { ...systemParts, log: this.#log });
    if (this.#leader === undefined || this.#store === undefined) {
      // It stands by: when it is its turn, it leads with these.
      await this.#front?.move(this.#placeOf(settings));
      this.#use({ settings, prepared });
      return;
    }
    this.#log.info("gateway restarting");
    if (!dialAlike(before.settings, settings)) await this.#tunnel?.drain(RESTART_DRAIN_MS);
    const outSince = performance.now();
    await this.#office.retire(this.#leader, RESTART_DRAIN_MS, this.#log);
    this.#leader = undefined;
    this.#use({ settings, prepared });
    try {
      await this.#front?.move(this.#placeOf(settings));
      this.#begin(await this.#succeed(before.settings, this.#store));
    } catch (error) {
      this.#use(before);
      this.#leader = undefined;
      await this.#front?.move(this.#placeOf(before.settings));
      this.#begin(await this.#succeed(settings, this.#store));
      this.#log.error({ err: error }, "restart failed: the gateway runs as before");
      throw error;
    }
    const outMs = Math.round(performance.now() - outSince);
    this.#log.info({ outMs }, "gateway restarted");
  }

  /** Somebody asked for it, and has had the answer by then. */
  async #restartSoon(reason: string, delayMs: number): Promise<void> {
    const { signal } = this.#stop;
    await systemClock.wait(delayMs, signal);
    if (signal.aborted) return;
    this.#log.info({ reason }, "restart asked for");
    try {
      await this.restart();
    } catch (err) {
      this.#log.error({ err }, "restart failed");
    }
  }

  #use({ settings, prepared }: { settings: Settings; prepared: Prepared }): void {
    this.#settings = settings;
    this.#prepared = prepared;
    setLogLevel(this.#log, settings.logLevel);
  }

  /** A new leader. The edge learns what has changed; another edge is dialled. */
  async #succeed(before: Settings, store: Store): Promise<Leader> {
    const leader = this.#createLeader(store);
    if (dialAlike(before, this.#settings)) {
      this.#tunnel?.publish();
      return leader;
    }
    await this.#tunnel?.[Symbol.asyncDispose]();
    const dialled = await this.#dial(store);
    dialled?.lead(this.#office.seat.remote, store.lease);
    return leader;
  }

  /** The state is shared with a leader: whoever gets hold of it leads, whatever the edge thinks. */
  async #waitFor(opening: Promise<Store | undefined>): Promise<void> {
    this.#log.info("standing by: another gateway has the state");
    const store = await opening;
    if (store === undefined) return;
    this.#log.info({ epoch: store.lease.epoch }, "the state is free: taking over");
    const leader = this.#createLeader(this.#state.use(store));
    this.#tunnel?.lead(this.#office.seat.remote, store.lease);
    await this.#front?.answerWith(this.#office.seat.local, PORT_PATIENCE_MS);
    this.#begin(leader);
  }

  /** The state is ours alone, so only the edge can tell whether another core leads with its own. */
  async #leadIfCalledOn(store: Store): Promise<void> {
    const tunnel = this.#tunnel;
    if (tunnel !== undefined) {
      this.#log.warn(
        "standing by with a state of its own: what another leader knows is not shared with it",
      );
      const called = callOnUs(async () => {
        this.#createLeader(store);
        return this.#office.seat;
      });
      tunnel.lead(whenCalledOn(called, this.#prepared.bundle), store.lease);
      if (!(await called.wait(tunnel, this.#stop.signal))) return;
      this.#log.warn("the edge has no other leader: taking over with a state of its own");
    }
    const leader = this.#createLeader(store);
    await this.#front?.answerWith(this.#office.seat.local, PORT_PATIENCE_MS);
    this.#begin(leader);
  }

  async #apply(next: Settings, { effects }: ReloadPlan): Promise<void> {
    await this.#prepared.apply(next);
    this.#settings = next;
    setLogLevel(this.#log, next.logLevel);
    this.#tunnel?.publish();
    if (effects.has("auth")) this.#office.credentialChanged();
  }

  #begin(leader: Leader): void {
    const { id, demo } = this.model;
    this.#log.info({ url: this.url, model: id, demo }, "gateway listening");
    leader.start();
    this.#leading.resolve();
  }

  /** The one there is, or a new one for the settings as they are now. */
  #createLeader(store: Store): Leader {
    // Before the store, which it works on; of those before it nothing is left.
    if (this.#store === undefined) {
      this.#state.defer(async () => this.#leader?.[Symbol.asyncDispose]());
    }
    this.#store = store;
    if (this.#leader !== undefined) return this.#leader;
    const leader = createLeader({
      settings: this.#prepared.settings(),
      prepared: this.#prepared,
      version: this.#version,
      startedAt: this.#startedAt,
      store,
      tunnel: () => this.#tunnel,
      connections: this.#office.connections,
      reload: () => this.#follower?.look() ?? Promise.resolve(),
      announce: (hash) => this.#news.announce(this.#settings.configPath, hash),
      resumed: this.#office.resumed,
      presence: this.#office.presence,
      restart: (reason, delayMs) => this.#restartSoon(reason, delayMs),
      logFile: this.#logFile,
      port: () => this.port,
      log: this.#log,
    });
    this.#leader = leader;
    this.#office.seat.take(leader);
    return leader;
  }

  readonly #placeOf = (settings: Settings): ServeOptions =>
    serveOptionsOf(settings, () => networkRulesOf(this.#prepared.settings()));

  #openFront(handlers: LocalHandlers): Front {
    const options = this.#placeOf(this.#settings);
    const parts = { log: this.#log.child({ part: "http" }), signal: this.#stop.signal };
    this.#front = this.#parts.use(new Front(options, handlers, parts));
    return this.#front;
  }

  async #dial(shelf: Store | undefined): Promise<Tunnel | undefined> {
    const log = this.#log.child({ part: "tunnel" });
    const tunnel = await dialEdge(this.#settings, this.#version, shelf, log);
    this.#tunnel = tunnel;
    if (tunnel !== undefined) this.#parts.defer(() => tunnel[Symbol.asyncDispose]());
    return tunnel;
  }
}
