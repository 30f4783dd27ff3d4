import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { backoffMs } from "../../../shared/backoff.ts";
import { randomToken } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import type { Fields } from "../../../shared/tunnel/fields.ts";
import type { Stream } from "../../../shared/tunnel/stream.ts";
import { ask } from "./ask.ts";
import { Connection } from "./connection.ts";
import { type Consequence, consequenceOf, type Ending, REPLACED_WAIT_MS } from "./ending.ts";
import { faultFacts } from "./fault-facts.ts";
import type { RelayAnswer, RelayState } from "../handlers.ts";
import type { Introduction } from "../identity/introduction.ts";
import { type Leadership, leadsBy } from "./leadership.ts";
import { count, type ReconnectReason, type TunnelMetrics } from "../metrics.ts";
import { findWay } from "./way.ts";
import type { Welcome } from "./welcome.ts";

/** A connection that stood this long was a good one: the next failure is the first again. */
const HEALTHY_MS = 5_000;
/** An edge that lets us in is there: what cuts us off again and again is on the way. */
const WELCOMED_ATTEMPTS = 2;
const BACKOFF = { baseMs: 250, maxMs: 15_000 };
/** A relay hears GOAWAY within a round trip, or the time it takes to wake. */
const DRAINED_TIMEOUT_MS = 5_000;
/** How often a drain looks whether the last stream has ended. */
const DRAIN_POLL_MS = 25;
/** How long a connection may finish what is under way when it is replaced, not stopped. */
const MOVE_MS = 20_000;

/** What all dialers of a tunnel share. */
export interface DialerContext {
  readonly introduction: Introduction;
  readonly leadership: Leadership;
  readonly metrics: TunnelMetrics;
  /** One per process: tells a reconnect from a second core. */
  readonly instance: string;
  readonly log: Logger;
  /** Path of the relay: the edge's first one has no name in it. */
  pathOf(dialer: RelayDialer): string;
  onOpen(stream: Stream, fields: Fields): void;
  onWelcome(dialer: RelayDialer, welcome: Welcome): void;
  onChange(): void;
}

/** Keeps one connection to one relay up, for ever, until stopped. */
export class RelayDialer {
  /** Undefined until the edge has told. */
  name: string | undefined;
  draining = false;
  readonly #context: DialerContext;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #connection: Connection | undefined;
  #pause: AbortController | undefined;
  /** Another core leads there; ours may be next. */
  #claim: NodeJS.Timeout | undefined;
  /** The same, whether or not we ask again by ourselves. */
  #owed = false;
  #connected = false;
  /** We have said that this connection ends. */
  #leaving = false;
  #opening: PromiseWithResolvers<void> | undefined;
  #since = Date.now();
  #lastError: string | undefined;
  /** Why the last attempt failed, as it stands in the log. */
  #complaint: string | undefined;
  /** What the relay has said last. */
  #welcome: Welcome | undefined;
  #stats: unknown;
  #leads = false;
  #connections = 0;
  #lastReason: ReconnectReason = "closed";
  #attempt = 0;

  constructor(context: DialerContext, name: string | undefined, draining: boolean) {
    this.#context = context;
    this.name = name;
    this.draining = draining;
    this.#running = this.#run();
  }

  get state(): RelayState {
    const { introduction } = this.#context;
    return {
      name: this.name ?? "primary",
      url: introduction.edge.host,
      connected: this.#connected,
      since: this.#since,
      lastError: this.#lastError,
      colo: this.#welcome?.colo ?? "",
      rttMs: this.#connection?.heartbeat.rttMs,
      draining: this.draining,
      leads: this.#leads,
      skewMs: introduction.skewMs,
      reconnects: Math.max(0, this.#connections - 1),
      stats: this.#stats,
    };
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Tells the relay that we lead, and the edge what it must know. Nothing while not connected. */
  announce(): void {
    const connection = this.#connection;
    if (connection === undefined || !this.#connected) return;
    this.#claimNoMore();
    this.#announce(connection).catch((err: unknown) => {
      const facts = { relay: this.state.name, ...faultFacts(err) };
      this.#context.log.warn(facts, "relay does not know that we lead");
      if (this.#connection === connection && this.#connected) this.#announceLater();
    });
  }

  async #announce(connection: Connection): Promise<void> {
    const { leadership } = this.#context;
    const { name, lastError: problem } = this.state;
    const features = this.#welcome?.features ?? new Set();
    const standing = await leadership.announce(connection.session, { name, features, problem });
    if (standing === undefined || this.#connection !== connection || !this.#connected) return;
    this.#leads = standing.leads;
    this.#lastError = standing.problem;
    this.#context.onChange();
    if (!standing.leads) this.#announceLater();
  }

  #announceLater(): void {
    this.#claimNoMore();
    this.#owed = true;
    // A standby is told by the first work it gets: asking again would keep the relay awake.
    if (this.#context.leadership.isStandby) return;
    this.#claim = setTimeout(() => this.announce(), REPLACED_WAIT_MS).unref();
  }

  /** The relay has told who works there, as it does at once when that changes for us. */
  #heed(stats: unknown): void {
    const leads = leadsBy(stats, this.#context.instance);
    // One that goes has given its work away by itself.
    if (!this.#connected || this.#leaving) return;
    if (leads === true && this.#owed) this.announce();
    if (leads !== false || !this.#leads) return;
    this.#leads = false;
    this.#lastError = "another core has the work now";
    this.#context.log.warn({ relay: this.state.name }, "relay gave our work to another core");
    this.#announceLater();
    this.#context.onChange();
  }

  #claimNoMore(): void {
    clearTimeout(this.#claim);
    this.#claim = undefined;
    this.#owed = false;
  }

  /** @throws GatewayError `core_lost` when there is no connection or no answer. */
  async ask(method: string, path: string, body: unknown): Promise<RelayAnswer> {
    const connection = this.#connection;
    if (connection === undefined || !this.#connected) {
      throw new GatewayError("core_lost", `Relay ${this.state.name} is not connected`);
    }
    return ask(connection.session, method, path, body);
  }

  async measure(): Promise<void> {
    await this.#connection?.heartbeat.measure();
  }

  /** The machine has slept: no back-off of before counts, and no connection is trusted. */
  wake(): void {
    this.#attempt = 0;
    this.#pause?.abort();
    this.#connection?.wake();
  }

  /** Ends the connection in good order and makes another; what is under way may finish. */
  async redial(): Promise<void> {
    const connection = this.#connection;
    this.#pause?.abort();
    if (connection === undefined) return;
    if (!this.#connected) {
      connection.close();
      return;
    }
    await this.#finish(connection, AbortSignal.timeout(MOVE_MS));
    // What waits for the next connection must not take this one for it.
    this.#connected = false;
    this.#since = Date.now();
    connection.move();
  }

  /** Resolves at the next connection; at once when there is one that is not about to end. */
  async opened(): Promise<void> {
    if (this.#connected) return;
    this.#opening ??= Promise.withResolvers();
    await this.#opening.promise;
  }

  /** Takes no new work once the relay knows; resolves when what is under way is done. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#stop.abort();
    const connection = this.#connection;
    if (connection === undefined) return;
    if (this.#connected) await this.#finish(connection, deadline);
    else connection.close();
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#connection?.close();
    await this.#running;
  }

  async #finish(connection: Connection, deadline: AbortSignal): Promise<void> {
    this.#leaving = true;
    const patience = AbortSignal.any([deadline, AbortSignal.timeout(DRAINED_TIMEOUT_MS)]);
    const expired = new Promise<void>((resolve) => {
      patience.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([connection.drain(), expired]);
    while (connection.session.busy > 0 && !deadline.aborted) await sleep(DRAIN_POLL_MS);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const waitMs = await this.#once().catch((err: unknown) => this.#broken(err));
      if (waitMs === 0 || signal.aborted) continue;
      this.#pause = new AbortController();
      try {
        const either = AbortSignal.any([signal, this.#pause.signal]);
        await sleep(waitMs, undefined, { signal: either });
      } catch {
        // Woken, or stopped: the loop goes on or ends.
      }
      this.#pause = undefined;
    }
  }

  /** One attempt and, if it works, the life of the connection. Returns how long to wait. */
  async #once(): Promise<number> {
    const { introduction, leadership, metrics, instance, log } = this.#context;
    const failure = await introduction.prepare();
    if (failure !== undefined) return this.#failed(failure, undefined);
    const { edge, settings } = introduction;
    const url = new URL(this.#context.pathOf(this), edge);
    const connection = await Connection.open({
      url,
      key: introduction.key,
      instance,
      nonce: randomToken(16),
      at: introduction.edgeNow(),
      way: await findWay(url, settings),
      hello: [[":instance", instance], [":version", settings.version], ...leadership.hello()],
      pinned: introduction.pinned,
      metrics,
      log,
      onOpen: (stream, fields) => {
        // Work for us, from a relay that had another leader: it has none any more.
        if (this.#owed) this.announce();
        this.#context.onOpen(stream, fields);
      },
      onStats: (stats) => {
        this.#stats = stats;
        // An answer to our claim that came before it, in the same message perhaps, counts first.
        setImmediate(() => this.#heed(stats));
      },
      onGoAway: () => {
        this.redial().catch((err: unknown) => log.error({ err }, "connection not replaced"));
      },
    });
    this.#connection = connection;
    if (this.#stop.signal.aborted) connection.close();
    const welcome = await connection.ready;
    const openedAt = performance.now();
    if (welcome !== undefined) await this.#opened(welcome);
    const ending = await connection.ended;
    this.#connection = undefined;
    if (welcome !== undefined) {
      const isHealthy = performance.now() - openedAt > HEALTHY_MS;
      this.#attempt = Math.min(this.#attempt, isHealthy ? 0 : WELCOMED_ATTEMPTS);
    }
    return this.#next(ending);
  }

  async #opened(welcome: Welcome): Promise<void> {
    const { introduction, metrics, log } = this.#context;
    await introduction.met(welcome);
    if (this.#connections > 0) count(metrics.reconnects, this.#lastReason);
    this.#connections += 1;
    this.#welcome = welcome;
    this.name = welcome.relay ?? this.name;
    this.#connected = true;
    this.#leaving = false;
    this.#since = Date.now();
    this.#lastError = undefined;
    this.#complaint = undefined;
    log.info({ edge: introduction.edge.host, relay: this.name }, "tunnel connected");
    this.#context.onWelcome(this, welcome);
    this.announce();
    this.#opening?.resolve();
    this.#opening = undefined;
    this.#context.onChange();
  }

  /** What follows from how it ended: milliseconds to wait before the next attempt. */
  async #next(ending: Ending): Promise<number> {
    if (this.#stop.signal.aborted) {
      this.#lost(undefined);
      return 0;
    }
    if (ending.reason === "refused" && this.#context.introduction.correctClock(ending)) return 0;
    const consequence = consequenceOf(ending);
    const waitMs = this.#failed(consequence, undefined);
    if (ending.reason === "refused" && ending.code === "unauthenticated") {
      // The edge has forgotten our key, and we may hold what lets us in again.
      const failure = await this.#context.introduction.pairAgain();
      if (failure !== undefined) this.#lost(`${consequence.message}. ${failure.message}`);
    }
    return waitMs;
  }

  /** Our own fault, a file that cannot be read perhaps: no reason to stop trying. */
  #broken(err: unknown): number {
    this.#connection?.close();
    this.#connection = undefined;
    const message =
      err instanceof GatewayError ? err.message : "the connection could not be set up";
    return this.#failed({ message, reason: "closed", wait: "backoff" }, err);
  }

  #failed({ message, reason, wait }: Consequence, err: unknown): number {
    const { log } = this.#context;
    const facts = err === undefined ? {} : faultFacts(err);
    // A night without a network is one line, not thousands.
    const news = message === this.#complaint ? "debug" : "warn";
    const level = wait === "none" ? "info" : news;
    log[level]({ relay: this.state.name, reason: message, ...facts }, "tunnel not connected");
    this.#complaint = message;
    this.#lastReason = reason;
    this.#lost(message);
    if (wait === "none") return 0;
    if (wait !== "backoff") return wait;
    const waitMs = backoffMs(Math.min(this.#attempt, 20), Math.random, BACKOFF);
    this.#attempt += 1;
    return Math.max(1, waitMs);
  }

  #lost(message: string | undefined): void {
    if (this.#connected) this.#since = Date.now();
    this.#claimNoMore();
    this.#connected = false;
    this.#leads = false;
    this.#lastError = message;
    this.#context.onChange();
  }
}
