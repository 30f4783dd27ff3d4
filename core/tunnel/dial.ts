import type { Logger } from "pino";
import { randomToken } from "../../shared/bytes.ts";
import { type LaterKey, takesKey } from "../../shared/edge-features.ts";
import { GatewayError } from "../../shared/errors.ts";
import { type DialerContext, RelayDialer } from "./relay/dialer.ts";
import type {
  Fence,
  RelayAnswer,
  RelayState,
  Tunnel,
  TunnelHandlers,
  TunnelState,
} from "./handlers.ts";
import { Identity } from "./identity/identity.ts";
import { Introduction } from "./identity/introduction.ts";
import { Leadership } from "./relay/leadership.ts";
import { createMetrics, type TunnelMetrics } from "./metrics.ts";
import { rotateKey } from "./identity/rotate.ts";
import { planRelays } from "./relay/plan-relays.ts";
import { StreamServer } from "./serve/serve.ts";
import type { TunnelSettings } from "./settings.ts";
import { warningsOf } from "./status.ts";
import { type Pause, readClocks, watchWake } from "./relay/wake-watch.ts";
import type { Welcome } from "./relay/welcome.ts";

/** A relay the edge has given up may have work under way. */
const RETIRE_MS = 20_000;

/**
 * Dials every relay of the edge and keeps the connections up, for ever, until disposed. Until
 * `lead` this core stands by: it is connected and takes no work.
 *
 * @throws GatewayError when `tunnel.json` cannot be read.
 */
export async function startTunnel(settings: TunnelSettings, log: Logger): Promise<Tunnel> {
  const identity = await Identity.load(settings.stateDir, settings.edge, settings.shelf);
  return new Relays(settings, identity, log);
}

/** The connections to all relays of one edge, as one tunnel. */
class Relays implements Tunnel {
  readonly metrics: TunnelMetrics = createMetrics();
  readonly #log: Logger;
  readonly #identity: Identity;
  readonly #leadership: Leadership;
  readonly #context: DialerContext;
  readonly #listeners = new Set<(state: TunnelState) => void>();
  readonly #watch: Disposable;
  #dialers: RelayDialer[] = [];
  /** What the edge of each has said that it can do. */
  readonly #features = new WeakMap<RelayDialer, ReadonlySet<string>>();
  /** Those the edge has given up: they finish what they have. */
  readonly #retiring = new Set<Promise<void>>();
  /** Name of the edge's first relay, once known. */
  #first: string | undefined;
  #stopping = false;
  #state: TunnelState = { connected: false, since: Date.now(), lastError: undefined, warnings: [] };

  constructor(settings: TunnelSettings, identity: Identity, log: Logger) {
    const { metrics } = this;
    this.#log = log;
    this.#identity = identity;
    this.#leadership = new Leadership(settings.mode, log);
    const introduction = new Introduction(settings, identity, log);
    const server = new StreamServer({
      handlers: () => this.#leadership.handlers,
      edgeNow: () => introduction.edgeNow(),
      metrics,
      log,
    });
    this.#context = {
      introduction,
      leadership: this.#leadership,
      metrics,
      instance: randomToken(16),
      log,
      pathOf: ({ name }) =>
        name === undefined || name === this.#first ? "/tunnel" : `/tunnel/${name}`,
      onOpen: (stream, fields) => server.open(stream, fields),
      onWelcome: (dialer, welcome) => this.#reconcile(dialer, welcome),
      onChange: () => this.#changed(),
    };
    // Those of the last time, too: the first one may be the one that is away.
    const [first, ...others] = identity.relaysOf(settings.edge.host);
    this.#first = first;
    this.#dialers = [this.#dial(first), ...others.map((name) => this.#dial(name))];
    this.#watch = watchWake(readClocks, (pause) => this.#paused(pause));
  }

  get state(): TunnelState {
    return this.#state;
  }

  get relays(): readonly RelayState[] {
    return this.#dialers.map(({ state }) => state);
  }

  get key(): { readonly kid: string; readonly publicKey: string } {
    const { kid, publicKey } = this.#identity.key;
    return { kid, publicKey };
  }

  onChange(listener: (state: TunnelState) => void): void {
    this.#listeners.add(listener);
  }

  takes(key: LaterKey): boolean {
    return this.#dialers.every((dialer) => {
      const features = this.#features.get(dialer);
      return features === undefined || takesKey(features, key);
    });
  }

  publish(): void {
    for (const dialer of this.#dialers) dialer.announce();
  }

  lead(handlers: TunnelHandlers, fence: Fence | undefined): void {
    this.#leadership.begin(handlers, fence);
    this.publish();
  }

  async request(
    relay: string | undefined,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<RelayAnswer> {
    const dialer = this.#dialers.find((one) =>
      relay === undefined ? one.connected : one.state.name === relay,
    );
    if (dialer !== undefined) return dialer.ask(method, path, body);
    const message = relay === undefined ? "No relay is connected" : `No relay is named ${relay}`;
    throw new GatewayError("core_lost", message);
  }

  async measure(): Promise<void> {
    await Promise.all(this.#dialers.map((dialer) => dialer.measure()));
  }

  rotateKey(): Promise<{ readonly old: string; readonly current: string }> {
    return rotateKey(this.#identity, this.#dialers);
  }

  async drain(deadlineMs: number): Promise<void> {
    const startedAt = performance.now();
    this.#stopping = true;
    const deadline = AbortSignal.timeout(deadlineMs);
    await Promise.all(this.#dialers.map((dialer) => dialer.drain(deadline)));
    this.metrics.drainSeconds = (performance.now() - startedAt) / 1_000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    this.#watch[Symbol.dispose]();
    await Promise.all([...this.#dialers.map((dialer) => dialer.close()), ...this.#retiring]);
  }

  #paused({ kind, pauseMs }: Pause): void {
    if (kind === "starved") {
      // Its connections have not slept: heartbeats tell of them as ever.
      this.#log.warn({ pauseMs }, "this process got no processor time");
      return;
    }
    this.#log.warn({ pauseMs }, "this machine was asleep");
    for (const dialer of this.#dialers) dialer.wake();
  }

  #dial(name: string | undefined, draining = false): RelayDialer {
    return new RelayDialer(this.#context, name, draining);
  }

  /** The edge has told which relays there are: those we know are kept, others let go or dialled. */
  #reconcile(teller: RelayDialer, welcome: Welcome): void {
    this.#features.set(teller, welcome.features);
    if (this.#stopping) return;
    const { retire, dial, relays } = planRelays(this.#dialers, teller, welcome);
    this.#first = relays[0]?.name;
    for (const dialer of retire) this.#retire(dialer);
    for (const { name, draining } of dial) this.#dialers.push(this.#dial(name, draining));
    for (const dialer of this.#dialers) {
      dialer.draining = relays.some(({ name, draining }) => draining && name === dialer.name);
    }
    // The first one first, for whoever asks any of them.
    const placeOf = (dialer: RelayDialer): number =>
      relays.findIndex(({ name }) => name === dialer.name);
    this.#dialers.sort((a, b) => placeOf(a) - placeOf(b));
  }

  #retire(dialer: RelayDialer): void {
    this.#dialers = this.#dialers.filter((one) => one !== dialer);
    this.#log.info({ relay: dialer.state.name }, "relay let go");
    const gone = dialer
      .drain(AbortSignal.timeout(RETIRE_MS))
      .then(() => dialer.close())
      .catch((err: unknown) => this.#log.error({ err }, "relay not let go"))
      .finally(() => this.#retiring.delete(gone));
    this.#retiring.add(gone);
  }

  #changed(): void {
    const relays = this.relays;
    const connected = relays.some((relay) => relay.connected);
    const { state } = this;
    const flipped = connected !== state.connected;
    const warnings = warningsOf(relays);
    for (const warning of warnings) {
      if (!state.warnings.includes(warning)) this.#log.warn({ warning }, "tunnel needs attention");
    }
    this.#state = {
      connected,
      since: flipped ? Date.now() : state.since,
      lastError: connected ? undefined : relays.find(({ lastError }) => lastError)?.lastError,
      warnings,
    };
    if (flipped) for (const listener of this.#listeners) listener(this.#state);
  }
}
