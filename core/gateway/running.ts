import type { Logger } from "pino";
import { systemClock } from "../channels/clock.ts";
import type { Settings } from "../config/settings.ts";
import type { ModelIdentity } from "../http/models.ts";
import { setLogLevel } from "../log.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import { awaitSqliteStore } from "../store/sqlite/wait.ts";
import type { Store } from "../store/store.ts";
import type { WebhookLogLimits } from "../store/webhook.ts";
import type { Tunnel } from "../tunnel/handlers.ts";
import type { TunnelSettings } from "../tunnel/settings.ts";
import { callOnUs, whenCalledOn } from "./called-on.ts";
import { Front } from "./front.ts";
import type { HealthSource } from "./health.ts";
import { authenticatorOf, createLeader, type Leader } from "./leader.ts";
import type { Prepared } from "./prepared.ts";
import { followConfig, type LoadSettings } from "./reload.ts";
import { GATEWAY_EFFECTS, mergeSettings } from "./reload-plan.ts";
import { RelayReports } from "./relay-reports.ts";
import type { LocalHandlers, ServeOptions } from "./serve.ts";
import { standbyHandlers } from "./standby-app.ts";
import { readVersion } from "./version.ts";

const DAY_MS = 86_400_000;
/** Work under way is given this long to end: below the 30 s after which orchestrators kill. */
const DRAIN_DEADLINE_MS = 20_000;
/** A leader that let go of the state is about to let go of the port: by then it has said goodbye. */
const PORT_PATIENCE_MS = 10_000;

/** The parts of a gateway, as they come up. */
export class RunningGateway implements AsyncDisposable {
  readonly model: ModelIdentity;
  readonly leads: Promise<void>;
  readonly #settings: Settings;
  readonly #prepared: Prepared;
  readonly #log: Logger;
  readonly #leading = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  readonly #parts = new AsyncDisposableStack();
  /** The store and what works on it: in `#parts` as the first, so it goes last. */
  readonly #state: AsyncDisposableStack;
  readonly #version = readVersion();
  readonly #startedAt = systemClock.now();
  #front: Front | undefined;
  #tunnel: Tunnel | undefined;
  #leader: Leader | undefined;
  #waiting: Promise<void> = Promise.resolve();

  constructor(settings: Settings, prepared: Prepared, log: Logger) {
    this.#settings = settings;
    this.#prepared = prepared;
    this.#log = log;
    this.#state = this.#parts.use(new AsyncDisposableStack());
    this.model = prepared.model;
    this.leads = this.#leading.promise;
    // Whoever does not ask is told by the log.
    this.leads.catch(() => undefined);
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
    const logLimits = (): WebhookLogLimits => this.#logLimits();
    const store = this.#state.use(await openSqliteStore({ stateDir, now, logLimits }));
    const leader = this.#createLeader(store);
    await this.#openFront(leader.local).listen();
    await this.#dial(store);
    this.#tunnel?.lead(leader.remote, store.lease);
    this.#begin(leader);
  }

  /** Settles when it stands by; `leads` tells how it goes on. */
  async standBy(): Promise<void> {
    let own: Store | undefined;
    const standby = standbyHandlers({
      authenticator: authenticatorOf(this.#settings, this.#settings.gateway.token.secret),
      health: this.#health(),
      tunnel: () => this.#tunnel,
      reports: new RelayReports(() => this.#tunnel),
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
        logLimits: () => this.#logLimits(),
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
    this.#parts.use(
      followConfig({
        load,
        settings: this.#settings,
        effects: GATEWAY_EFFECTS,
        apply: (file) => this.#apply(mergeSettings(this.#prepared.settings(), file)),
        log: this.#log.child({ part: "config" }),
      }),
    );
  }

  async drain(deadlineMs = DRAIN_DEADLINE_MS): Promise<void> {
    this.#stop.abort();
    await this.#waiting;
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
    await this.#waiting;
    await this.#leader?.leave();
    await this.#parts.disposeAsync();
  }

  /** The state is shared with a leader: whoever gets hold of it leads, whatever the edge thinks. */
  async #waitFor(opening: Promise<Store | undefined>): Promise<void> {
    this.#log.info("standing by: another gateway has the state");
    const store = await opening;
    if (store === undefined) return;
    this.#log.info({ epoch: store.lease.epoch }, "the state is free: taking over");
    const leader = this.#createLeader(this.#state.use(store));
    this.#tunnel?.lead(leader.remote, store.lease);
    await this.#front?.answerWith(leader.local, PORT_PATIENCE_MS);
    this.#begin(leader);
  }

  /** The state is ours alone, so only the edge can tell whether another core leads with its own. */
  async #leadIfCalledOn(store: Store): Promise<void> {
    const tunnel = this.#tunnel;
    if (tunnel !== undefined) {
      this.#log.warn(
        "standing by with a state of its own: what another leader knows is not shared with it",
      );
      const called = callOnUs(async () => this.#createLeader(store));
      tunnel.lead(whenCalledOn(called, this.#prepared.bundle), store.lease);
      if (!(await called.wait(tunnel, this.#stop.signal))) return;
      this.#log.warn("the edge has no other leader: taking over with a state of its own");
    }
    const leader = this.#createLeader(store);
    await this.#front?.answerWith(leader.local, PORT_PATIENCE_MS);
    this.#begin(leader);
  }

  async #apply(next: Settings): Promise<void> {
    await this.#prepared.apply(next);
    setLogLevel(this.#log, next.logLevel);
    this.#tunnel?.publish();
  }

  /** As the settings are now. */
  #logLimits(): WebhookLogLimits {
    const { days, maxBytes } = this.#prepared.ingress().log;
    return { maxAgeMs: days * DAY_MS, maxBytes };
  }

  #begin(leader: Leader): void {
    const { id, demo } = this.model;
    this.#log.info({ url: this.url, model: id, demo }, "gateway listening");
    leader.start();
    this.#leading.resolve();
  }

  #createLeader(store: Store): Leader {
    this.#leader ??= this.#state.use(
      createLeader({
        settings: this.#prepared.settings(),
        prepared: this.#prepared,
        version: this.#version,
        startedAt: this.#startedAt,
        store,
        tunnel: () => this.#tunnel,
        log: this.#log,
      }),
    );
    return this.#leader;
  }

  #openFront(handlers: LocalHandlers): Front {
    const { host, port, allowedHosts } = this.#settings.gateway;
    const { maxRequestBodyBytes } = this.#settings.limits;
    const options: ServeOptions = { host, port, allowedHosts, maxRequestBodyBytes };
    const parts = { log: this.#log.child({ part: "http" }), signal: this.#stop.signal };
    this.#front = this.#parts.use(new Front(options, handlers, parts));
    return this.#front;
  }

  async #dial(shelf: Store | undefined): Promise<void> {
    const settings = tunnelSettings(this.#settings, this.#version, shelf);
    if (settings === undefined) return;
    // Loaded by those who have an edge.
    const { startTunnel } = await import("../tunnel/dial.ts");
    this.#tunnel = this.#parts.use(
      await startTunnel(settings, this.#log.child({ part: "tunnel" })),
    );
  }

  #health(): HealthSource {
    const { now } = systemClock;
    return {
      version: this.#version,
      model: this.model,
      edge: () => this.#tunnel?.state,
      channels: () => [],
      role: () => "standby",
      canSave: () => Promise.resolve(true),
      now,
      startedAt: this.#startedAt,
    };
  }
}

function tunnelSettings(
  { edge, mode, stateDir }: Settings,
  version: string,
  shelf: Store | undefined,
): TunnelSettings | undefined {
  if (edge === undefined) return undefined;
  const { url, proxyVariables: environment, ...rest } = edge;
  return { ...rest, edge: new URL(url), environment, version, stateDir, shelf, mode };
}
