import type { Audience, EventHub, GatewayEvent } from "../events.ts";
import { type HealthParts, type HealthReport, healthReport } from "./health.ts";
import type { PresenceRegistry } from "./presence.ts";

/** So often clients of our own port are told how we are. */
const HEALTH_EVERY_MS = 60_000;
/** Who comes and goes within this time is told at once. */
const PRESENCE_DELAY_MS = 200;

export interface StateVersion {
  readonly presence: number;
  readonly health: number;
}

/** An event hub that says which state an event tells. */
export interface StateHub extends EventHub {
  publish(
    event: GatewayEvent,
    payload: unknown,
    to?: Audience & { readonly stateVersion?: StateVersion | undefined },
  ): void;
}

/** How the gateway is, kept up to date and told to its clients. Disposing it ends the telling. */
export class Board implements Disposable {
  readonly #hub: StateHub;
  readonly #presence: PresenceRegistry;
  readonly #health: HealthParts;
  readonly #timer: NodeJS.Timeout;
  readonly #watch: Disposable;
  #soon: NodeJS.Timeout | undefined;
  #last: HealthReport = {};
  #version = 0;

  constructor(hub: StateHub, presence: PresenceRegistry, health: HealthParts) {
    this.#hub = hub;
    this.#presence = presence;
    this.#health = health;
    this.#watch = presence.watch(() => this.#presenceChanged());
    // Not to the edge: a relay with clients that only listen sleeps.
    this.#timer = setInterval(() => void this.#routine(), HEALTH_EVERY_MS).unref();
  }

  /** The last report; `{}` before the first. */
  get health(): HealthReport {
    return this.#last;
  }

  get stateVersion(): StateVersion {
    return { presence: this.#presence.version, health: this.#version };
  }

  /** A report of now, which everybody else is told as well. */
  async look(): Promise<HealthReport> {
    await this.#tell({});
    return this.#last;
  }

  /** A report of now for the next greeting; nobody is told. @throws what the store throws */
  async renew(): Promise<void> {
    this.#last = await healthReport(this.#health);
    this.#version += 1;
  }

  #presenceChanged(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      const payload = { presence: this.#presence.list() };
      const { stateVersion } = this;
      this.#hub.publish("presence", payload, { droppable: true, stateVersion });
    }, PRESENCE_DELAY_MS).unref();
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
  }

  async #routine(): Promise<void> {
    // A store that fails is told by whoever needs it; the next round is in a minute.
    await this.#tell({ localOnly: true }).catch(() => undefined);
  }

  async #tell(to: Audience): Promise<void> {
    await this.renew();
    const { stateVersion } = this;
    this.#hub.publish("health", this.#last, { ...to, droppable: true, stateVersion });
  }
}
