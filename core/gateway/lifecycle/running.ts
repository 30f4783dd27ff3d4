import type { Logger } from "pino";
import { systemClock } from "../../channels/clock.ts";
import type { Settings } from "../../config/settings.ts";
import type { ModelIdentity } from "../../http/agents.ts";
import type { Store } from "../../store/store.ts";
import { CONFIG_CHANGED } from "../../methods/system/restart.ts";
import { standbyDesk } from "../app/standby-app.ts";
import { beginAnew } from "./anew.ts";
import { callOnUs, whenCalledOn } from "./called-on.ts";
import { ConfigNews } from "./config-news.ts";
import { House, type Orders } from "./house.ts";
import type { Leader } from "./leader.ts";
import type { Prepared } from "./prepared.ts";
import { type Follower, followConfig, type LoadSettings, readNow } from "./reload.ts";
import { GATEWAY_EFFECTS, type ReloadPlan } from "./reload-plan.ts";
import { Restarts } from "./restarts.ts";

/** A leader that let go of the state is about to let go of the port: by then it has said goodbye. */
const PORT_PATIENCE_MS = 10_000;

/** Runs a gateway: it leads or stands by, follows its config, begins anew, and ends. */
export class RunningGateway implements AsyncDisposable {
  readonly leads: Promise<void>;
  readonly #house: House;
  readonly #log: Logger;
  readonly #leading = Promise.withResolvers<void>();
  readonly #news: ConfigNews;
  readonly #restarts: Restarts;
  /** For every leader here. */
  readonly #orders: Orders;
  #waiting: Promise<void> = Promise.resolve();
  #follower: Follower | undefined;
  /** Restarts and changes of the settings, one after the other. */
  #changing: Promise<unknown> = Promise.resolve();
  /** The config as it is now; undefined: there is none that could be run with. */
  #read: (() => Promise<Settings | undefined>) | undefined;

  /** @param logFile - The log file of the moment. */
  constructor(
    settings: Settings,
    prepared: Prepared,
    log: Logger,
    logFile: () => string | undefined = () => undefined,
  ) {
    const house = new House({ settings, prepared }, log);
    this.#house = house;
    this.#log = log;
    this.#news = new ConfigNews(house.office.connections, log);
    this.#restarts = new Restarts({
      host: {
        jobs: () => house.leader?.work.jobs ?? [],
        changed: (signal) => house.leader?.work.changed(signal) ?? Promise.resolve(),
        deferralMs: () => house.prepared.settings().config.gateway.reload.deferralTimeoutMs,
        begin: (patienceMs) => this.#beginAnew(patienceMs),
        began: (next) => this.#follower?.took(next),
      },
      clock: systemClock,
      signal: house.signal,
      log,
    });
    this.#orders = {
      reload: () => this.#follower?.look() ?? Promise.resolve(),
      announce: (hash) => this.#news.announce(house.settings.configPath, hash),
      restart: (order) => {
        log.info({ reason: order.reason }, "restart asked for");
        void this.#restarts.want(order);
      },
      pendingRestart: () => this.#restarts.pending,
      configRefusal: () => this.#follower?.refusal,
      logFile,
    };
    this.leads = this.#leading.promise;
    // Whoever does not ask is told by the log.
    this.leads.catch(() => undefined);
  }

  get model(): ModelIdentity {
    return this.#house.prepared.model;
  }

  get port(): number {
    return this.#house.port;
  }

  get url(): string {
    return this.#house.front?.url ?? "";
  }

  /** @throws GatewayError `conflict` when another gateway has the state or the port. */
  async lead(): Promise<void> {
    const house = this.#house;
    const store = await house.openStore();
    const leader = house.seatLeader(store, this.#orders);
    await house.openFront(house.office.seat.local).listen();
    await house.dial(store);
    house.tunnel?.lead(house.office.seat.remote, store.lease);
    this.#begin(leader);
  }

  /** Settles when it stands by; `leads` tells how it goes on. */
  async standBy(): Promise<void> {
    const house = this.#house;
    let own: Store | undefined;
    const standby = standbyDesk({
      settings: () => house.prepared.settings(),
      version: house.version,
      model: () => this.model,
      tunnel: () => house.tunnel,
      startedAt: house.startedAt,
      waitsFor: () => (own === undefined ? "state" : "work"),
      log: this.#log.child({ part: "http" }),
    });
    await house.openFront(standby).listenSoon();
    const shared = Promise.withResolvers<undefined>();
    const opening = house.awaitStore(() => shared.resolve(undefined));
    // Nobody else has it: it is ours alone, or the leader is away as well.
    own = await Promise.race([opening, shared.promise]);
    if (own !== undefined) await house.keep(own);
    await house.dial(own);
    this.#waiting = (own === undefined ? this.#waitFor(opening) : this.#leadIfCalledOn(own)).catch(
      (error: unknown) => this.#leading.reject(error),
    );
  }

  /** From now on, what changes in the config file takes effect; a restart waits for its turn. */
  follow(load: LoadSettings): void {
    const house = this.#house;
    this.#read = () => readNow(load, this.#log);
    this.#follower = house.add(
      followConfig({
        load,
        settings: house.settings,
        effects: GATEWAY_EFFECTS,
        apply: (file, plan) => this.#change(() => this.#apply(file, plan)),
        restart: () => this.#restarts.want({ reason: CONFIG_CHANGED }),
        restartUnneeded: () => this.#restarts.withdraw(CONFIG_CHANGED),
        putOff: ({ configPath, configHash }) => this.#news.announce(configPath, configHash),
        accepted: (file) => this.#news.accept(file),
        log: this.#log.child({ part: "config" }),
      }),
    );
  }

  /** @param deadlineMs - Default: `sallyport.limits.drainTimeoutMs`. */
  async drain(deadlineMs = this.#house.prepared.settings().limits.drainTimeoutMs): Promise<void> {
    await this.#quiet();
    await this.#house.drain(deadlineMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#quiet();
    await this.#house[Symbol.asyncDispose]();
  }

  /** Nothing begins here any more, and what has begun is whole. */
  async #quiet(): Promise<void> {
    this.#house.stop();
    await Promise.all([this.#waiting, this.#restarts.settled, this.#changing]);
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#changing.then(work);
    this.#changing = next.catch(() => undefined);
    return next;
  }

  #beginAnew(patienceMs: number | undefined): Promise<Settings | undefined> {
    return this.#change(async () => {
      const house = this.#house;
      if (house.signal.aborted) return undefined;
      // Read when it is its turn: what was taken over meanwhile must not be undone.
      const settings = (await this.#read?.()) ?? house.prepared.settings();
      const leader = await beginAnew(house, { settings, orders: this.#orders, patienceMs });
      if (leader === "later") return undefined;
      if (leader !== undefined) this.#begin(leader);
      return settings;
    });
  }

  /** The state is shared with a leader: whoever gets hold of it leads, whatever the edge thinks. */
  async #waitFor(opening: Promise<Store | undefined>): Promise<void> {
    const house = this.#house;
    this.#log.info("standing by: another gateway has the state");
    const store = await opening;
    if (store === undefined) return;
    this.#log.info({ epoch: store.lease.epoch }, "the state is free: taking over");
    const leader = house.seatLeader(await house.keep(store), this.#orders);
    house.tunnel?.lead(house.office.seat.remote, store.lease);
    await house.front?.answerWith(house.office.seat.local, PORT_PATIENCE_MS);
    this.#begin(leader);
  }

  /** The state is ours alone, so only the edge can tell whether another core leads with its own. */
  async #leadIfCalledOn(store: Store): Promise<void> {
    const house = this.#house;
    const { tunnel, office } = house;
    if (tunnel !== undefined) {
      this.#log.warn(
        "standing by with a state of its own: what another leader knows is not shared with it",
      );
      const called = callOnUs(async () => {
        house.seatLeader(store, this.#orders);
        return office.seat;
      });
      tunnel.lead(whenCalledOn(called, house.prepared.bundle), store.lease);
      if (!(await called.wait(tunnel, house.signal))) return;
      this.#log.warn("the edge has no other leader: taking over with a state of its own");
    }
    const leader = house.seatLeader(store, this.#orders);
    await house.front?.answerWith(office.seat.local, PORT_PATIENCE_MS);
    this.#begin(leader);
  }

  async #apply(next: Settings, { effects }: ReloadPlan): Promise<void> {
    const house = this.#house;
    await house.prepared.apply(next);
    house.use({ settings: next, prepared: house.prepared });
    house.tunnel?.publish();
    if (effects.has("auth")) house.office.credentialChanged();
  }

  #begin(leader: Leader): void {
    const { id, demo } = this.model;
    this.#log.info({ url: this.url, model: id, demo }, "gateway listening");
    leader.start();
    this.#leading.resolve();
  }
}
