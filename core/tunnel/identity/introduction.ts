import type { Logger } from "pino";
import { GatewayError } from "../../../shared/errors.ts";
import type { TunnelKey } from "../../../shared/tunnel/handshake.ts";
import type { Consequence, Ending } from "../relay/ending.ts";
import { faultFacts } from "../relay/fault-facts.ts";
import type { Identity } from "./identity.ts";
import { pair } from "./pair.ts";
import type { TunnelSettings } from "../settings.ts";
import { findWay } from "../relay/way.ts";
import type { Welcome } from "../relay/welcome.ts";

/** What we and the edge know of each other, for all connections: keys, pairing, and the time. */
export class Introduction {
  readonly settings: TunnelSettings;
  readonly #identity: Identity;
  readonly #log: Logger;
  /** The edge's clock minus ours. */
  #skewMs = 0;
  /** Corrected since the last connection: a second time would help no more than the first. */
  #skewTried = false;
  #pairing: Promise<Consequence | undefined> | undefined;
  /** Why the last attempt to pair failed, as it stands in the log. */
  #complaint: string | undefined;

  constructor(settings: TunnelSettings, identity: Identity, log: Logger) {
    this.settings = settings;
    this.#identity = identity;
    this.#log = log;
  }

  get edge(): URL {
    return this.settings.edge;
  }

  get key(): TunnelKey {
    return this.#identity.key;
  }

  get pinned(): string | undefined {
    return this.#identity.pinOf(this.edge.host);
  }

  get skewMs(): number {
    return this.#skewMs;
  }

  /** Unix ms by the edge's clock, as far as we know it. */
  edgeNow(): number {
    return Date.now() + this.#skewMs;
  }

  /**
   * Before each attempt: our key may have been replaced, and an edge we have never met is told it.
   *
   * @returns Why there is no point in dialling.
   */
  async prepare(): Promise<Consequence | undefined> {
    await this.#identity.refresh();
    return this.pinned === undefined ? this.pairAgain() : undefined;
  }

  /** Tells the edge our key, if we hold what it takes. All connections wait for one attempt. */
  pairAgain(): Promise<Consequence | undefined> {
    const { pairing } = this.settings;
    if (pairing === undefined) return Promise.resolve(undefined);
    this.#pairing ??= this.#pair(pairing).finally(() => {
      this.#pairing = undefined;
    });
    return this.#pairing;
  }

  /** Both sides have proven who they are. */
  async met({ edgeKey, relays }: Welcome): Promise<void> {
    const { host } = this.edge;
    this.#skewTried = false;
    if (this.pinned === undefined) await this.#identity.pin(host, edgeKey);
    const names = relays.filter(({ draining }) => !draining).map(({ name }) => name);
    await this.#identity.keepRelays(host, names);
  }

  /** @returns True when our clock was wrong and trying again at once is worth it. */
  correctClock(ending: Extract<Ending, { reason: "refused" }>): boolean {
    const { code, serverTime } = ending;
    if (code !== "clock_skew" || serverTime === undefined || Number.isNaN(serverTime)) return false;
    return this.#setClock(serverTime);
  }

  #setClock(serverTime: number): boolean {
    if (this.#skewTried) return false;
    this.#skewTried = true;
    this.#skewMs = serverTime - Date.now();
    this.#log.warn({ skewMs: this.#skewMs }, "our clock differs from the edge's");
    return true;
  }

  async #pair(secret: NonNullable<TunnelSettings["pairing"]>): Promise<Consequence | undefined> {
    const { edge } = this;
    try {
      const way = await findWay(edge, this.settings);
      let outcome = await pair(edge, this.key, secret, this.edgeNow(), way);
      if (!outcome.paired && this.#setClock(outcome.serverTime)) {
        outcome = await pair(edge, this.key, secret, this.edgeNow(), way);
      }
      if (!outcome.paired) {
        throw new GatewayError("clock_skew", "The edge refused the pairing: our clock is wrong");
      }
      await this.#identity.pin(edge.host, outcome.edgeKey);
      this.#complaint = undefined;
      this.#log.info({ edge: edge.host, kid: this.key.kid }, "paired with the edge");
      return undefined;
    } catch (err) {
      const message = err instanceof GatewayError ? err.message : "pairing failed";
      // Each attempt to dial is one to pair: one line as long as nothing changes.
      const level = message === this.#complaint ? "debug" : "warn";
      this.#log[level](faultFacts(err), "not paired with the edge");
      this.#complaint = message;
      return { message, reason: "refused", wait: "backoff" };
    }
  }
}
