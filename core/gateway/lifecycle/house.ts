import type { Logger } from "pino";
import { systemClock } from "../../channels/clock.ts";
import type { Settings } from "../../config/settings.ts";
import { setLogLevel } from "../../log.ts";
import { openSqliteStore } from "../../store/sqlite/open.ts";
import { awaitSqliteStore } from "../../store/sqlite/wait.ts";
import type { Store } from "../../store/store.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";
import { networkRulesOf } from "../auth/door.ts";
import { Front, serveOptionsOf } from "../port/front.ts";
import type { LocalHandlers, ServeOptions } from "../port/serve.ts";
import { readVersion } from "../version.ts";
import { dialEdge } from "./dialled.ts";
import { createLeader, type Leader } from "./leader.ts";
import type { LeaderParts } from "./leader-parts.ts";
import { logLimitsOf } from "./log-limits.ts";
import { Office } from "./office.ts";
import type { Prepared } from "./prepared.ts";

/** What a leader asks of those who run the gateway. */
export type Orders = Pick<
  LeaderParts,
  "announce" | "logFile" | "reload" | "restart" | "pendingRestart" | "configRefusal"
>;

/** What a gateway is run with. */
export interface Outfit {
  /** What was started with, or restarted. */
  readonly settings: Settings;
  readonly prepared: Prepared;
}

/**
 * What a gateway consists of at this moment: its port, its tunnel, its state and who leads. It knows
 * how each is made; when, is up to those who run it. Disposing it ends all of it.
 */
export class House implements AsyncDisposable {
  readonly log: Logger;
  readonly version = readVersion();
  readonly startedAt = systemClock.now();
  /** Clients, whoever leads here. */
  readonly office: Office;
  /** Aborts when the gateway is to end. */
  readonly #stop = new AbortController();
  readonly #parts = new AsyncDisposableStack();
  /** The store and what works on it: in `#parts` as the first, so it goes last. */
  readonly #state: AsyncDisposableStack;
  #outfit: Outfit;
  #front: Front | undefined;
  #tunnel: Tunnel | undefined;
  #leader: Leader | undefined;
  #store: Store | undefined;

  constructor(outfit: Outfit, log: Logger) {
    this.log = log;
    this.#outfit = outfit;
    this.office = this.#parts.use(new Office(this.version, () => this.prepared.bundle()));
    this.#state = this.#parts.use(new AsyncDisposableStack());
  }

  get settings(): Settings {
    return this.#outfit.settings;
  }

  get prepared(): Prepared {
    return this.#outfit.prepared;
  }

  get outfit(): Outfit {
    return this.#outfit;
  }

  get front(): Front | undefined {
    return this.#front;
  }

  get tunnel(): Tunnel | undefined {
    return this.#tunnel;
  }

  /** Undefined while nobody leads here. */
  get leader(): Leader | undefined {
    return this.#leader;
  }

  /** Undefined while another gateway has it. */
  get store(): Store | undefined {
    return this.#store;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get port(): number {
    return this.#front?.port ?? this.settings.gateway.port;
  }

  /** From now on with these. */
  use(outfit: Outfit): void {
    this.#outfit = outfit;
    setLogLevel(this.log, outfit.settings.logLevel);
  }

  /** Is disposed with the house, before what was there already. */
  add<T extends AsyncDisposable | Disposable>(part: T): T {
    return this.#parts.use(part);
  }

  /** @throws GatewayError `conflict` when another gateway has the state. */
  async openStore(): Promise<Store> {
    return await this.keep(await openSqliteStore(this.#storeOptions()));
  }

  /** The state, as soon as no other gateway has it; undefined: we were to end before that. */
  awaitStore(onBusy: () => void): Promise<Store | undefined> {
    return awaitSqliteStore({ ...this.#storeOptions(), onBusy }, this.signal);
  }

  /** A store that is closed with the house. */
  async keep(store: Store): Promise<Store> {
    this.#state.use(store);
    await this.office.open(store);
    return store;
  }

  /** The port, not yet listening. */
  openFront(handlers: LocalHandlers): Front {
    const parts = { log: this.log.child({ part: "http" }), signal: this.signal };
    this.#front = this.#parts.use(new Front(this.placeOf(this.settings), handlers, parts));
    return this.#front;
  }

  /** Where our own port is by these settings. */
  placeOf(settings: Settings): ServeOptions {
    return serveOptionsOf(settings, () => networkRulesOf(this.prepared.settings()));
  }

  async dial(shelf: Store | undefined): Promise<Tunnel | undefined> {
    const log = this.log.child({ part: "tunnel" });
    const tunnel = await dialEdge(this.settings, this.version, shelf, log);
    this.#tunnel = tunnel;
    if (tunnel !== undefined) this.#parts.defer(() => tunnel[Symbol.asyncDispose]());
    return tunnel;
  }

  /** The one there is, or a new one for the settings as they are now. */
  seatLeader(store: Store, orders: Orders): Leader {
    // Before the store, which it works on; of those before it nothing is left.
    if (this.#store === undefined) {
      this.#state.defer(async () => this.#leader?.[Symbol.asyncDispose]());
    }
    this.#store = store;
    if (this.#leader !== undefined) return this.#leader;
    const { connections, resumed, presence, seat, suspension } = this.office;
    const { endedRuns, life, stability } = this.office;
    const leader = createLeader({
      ...orders,
      settings: this.prepared.settings(),
      prepared: this.prepared,
      version: this.version,
      startedAt: this.startedAt,
      store,
      tunnel: () => this.#tunnel,
      connections,
      resumed,
      presence,
      suspension,
      endedRuns,
      life,
      stability,
      port: () => this.port,
      log: this.log,
    });
    this.#leader = leader;
    seat.take(leader);
    return leader;
  }

  /** Nobody leads here any more. */
  unseat(): void {
    this.#leader = undefined;
  }

  /** From now on it is to end. */
  stop(): void {
    this.#stop.abort();
  }

  /** Finishes what is under way, or cuts it off, and lets go of the state. */
  async drain(deadlineMs: number): Promise<void> {
    // The edge knows first: until it has said so, all that it still sends is served.
    await Promise.all([
      this.#tunnel?.drain(deadlineMs),
      this.#front?.drain(deadlineMs),
      this.#leader?.drain(deadlineMs),
    ]);
    await this.#sayEnd();
    // As early as can be: whoever waits for the state leads from here on.
    await Promise.all([this.#leader?.leave(), this.#state.disposeAsync()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#leader?.leave();
    await this.#sayEnd();
    await this.#parts.disposeAsync();
  }

  /** Whoever comes next knows that this was no crash. A store that fails has said so by now. */
  async #sayEnd(): Promise<void> {
    await this.office.life.end().catch(() => undefined);
  }

  #storeOptions() {
    return {
      stateDir: this.settings.stateDir,
      now: systemClock.now,
      logLimits: () => logLimitsOf(this.prepared.ingress()),
    };
  }
}
