import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { backoffMs } from "../../shared/backoff.ts";
import { randomToken, utf8 } from "../../shared/bytes.ts";
import { CloseCode } from "../../shared/close-code.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { Secret } from "../../shared/secret.ts";
import type { TunnelKey } from "../../shared/tunnel/handshake.ts";
import { Connection, type Ending } from "./connection.ts";
import type { Tunnel, TunnelHandlers, TunnelState } from "./handlers.ts";
import { loadIdentity, pinEdge, pinnedEdge, type Shelf } from "./identity.ts";
import { pair } from "./pair.ts";
import { StreamServer } from "./serve.ts";

/** A connection that stood this long was a good one: the next failure is the first again. */
const HEALTHY_MS = 60_000;
/** Another machine with our key is connected: taking turns with it would help nobody. */
const REPLACED_WAIT_MS = 30_000;
const BACKOFF = { baseMs: 250, maxMs: 15_000 };

export interface TunnelSettings {
  /** Base URL of the edge, as people see it. */
  readonly edge: URL;
  /** Set when the edge was given the same secret, to let our key in. */
  readonly pairing: Secret | undefined;
  /** Of the product, for the edge's `/health`. */
  readonly version: string;
  readonly shelf: Shelf;
}

/** Keeps one connection to the edge up, for ever, until disposed. */
export async function startTunnel(
  settings: TunnelSettings,
  handlers: TunnelHandlers,
  log: Logger,
): Promise<Tunnel> {
  const key = await loadIdentity(settings.shelf);
  return new Dialer(settings, key, handlers, log);
}

class Dialer implements Tunnel {
  readonly #settings: TunnelSettings;
  readonly #key: TunnelKey;
  readonly #handlers: TunnelHandlers;
  readonly #log: Logger;
  readonly #server: StreamServer;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<(state: TunnelState) => void>();
  readonly #running: Promise<void>;
  readonly #instance = randomToken(16);
  #state: TunnelState = { connected: false, since: Date.now(), lastError: undefined };
  #connection: Connection | undefined;
  #attempt = 0;
  /** The edge's clock minus ours. */
  #skewMs = 0;
  #skewTried = false;

  constructor(settings: TunnelSettings, key: TunnelKey, handlers: TunnelHandlers, log: Logger) {
    this.#settings = settings;
    this.#key = key;
    this.#handlers = handlers;
    this.#log = log;
    this.#server = new StreamServer(handlers, log);
    this.#running = this.#run();
  }

  get state(): TunnelState {
    return this.#state;
  }

  onChange(listener: (state: TunnelState) => void): void {
    this.#listeners.add(listener);
  }

  publish(): void {
    const session = this.#connection?.session;
    if (session?.open !== true) return;
    const stream = session.openStream("http", [
      [":method", "PUT"],
      [":path", "/bundle"],
    ]);
    stream?.listen((event) => {
      if (event.type !== "head") return;
      const status = event.fields.find(([name]) => name === ":status")?.[1];
      if (status === "204") this.#log.info("edge has our routes and tokens");
      else this.#log.error({ status }, "edge refused our routes and tokens");
    });
    stream?.write(utf8(JSON.stringify(this.#handlers.bundle())));
    stream?.end();
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#stop.abort();
    const connection = this.#connection;
    if (connection === undefined) return;
    const deadline = AbortSignal.timeout(deadlineMs);
    const expired = new Promise<void>((resolve) => {
      deadline.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([connection.drain(), expired]);
    while (connection.session.busy > 0 && !deadline.aborted) await sleep(DRAIN_POLL_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#connection?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const waitMs = await this.#once().catch((err: unknown) => this.#broken(err));
      if (waitMs === 0 || this.#stop.signal.aborted) continue;
      try {
        await sleep(waitMs, undefined, { signal: this.#stop.signal });
      } catch {
        // Aborted: the loop ends.
      }
    }
  }

  /** One attempt and, if it works, the life of the connection. Returns how long to wait. */
  async #once(): Promise<number> {
    const { edge, shelf, version } = this.#settings;
    const pinned = await pinnedEdge(shelf, edge.host);
    if (pinned === undefined && this.#settings.pairing !== undefined) {
      const failed = await this.#pair(this.#settings.pairing);
      if (failed) return this.#backoff();
    }
    const connection = await Connection.open({
      url: new URL("/tunnel", edge),
      key: this.#key,
      instance: this.#instance,
      nonce: randomToken(16),
      at: Date.now() + this.#skewMs,
      hello: [
        [":instance", this.#instance],
        [":version", version],
      ],
      pinned: await pinnedEdge(shelf, edge.host),
      log: this.#log,
      onOpen: (stream, fields) => this.#server.open(stream, fields),
    });
    this.#connection = connection;
    const edgeKey = await connection.ready;
    if (edgeKey !== undefined) await this.#connected(edgeKey, pinned);
    const openedAt = Date.now();
    const ending = await connection.ended;
    this.#connection = undefined;
    if (edgeKey !== undefined && Date.now() - openedAt > HEALTHY_MS) this.#attempt = 0;
    return this.#next(ending);
  }

  async #connected(edgeKey: string, pinned: string | undefined): Promise<void> {
    const { edge, shelf } = this.#settings;
    this.#skewTried = false;
    if (pinned === undefined) await pinEdge(shelf, edge.host, edgeKey);
    this.#log.info({ edge: edge.host }, "tunnel connected");
    this.publish();
    this.#change({ connected: true, since: Date.now(), lastError: undefined });
  }

  /** @returns True when it failed and there is no point in dialling. */
  async #pair(secret: Secret): Promise<boolean> {
    const { edge, shelf } = this.#settings;
    try {
      const { edgeKey } = await pair(edge, this.#key, secret, Date.now() + this.#skewMs);
      await pinEdge(shelf, edge.host, edgeKey);
      this.#log.info({ edge: edge.host, kid: this.#key.kid }, "paired with the edge");
      return false;
    } catch (error) {
      const message = error instanceof GatewayError ? error.message : "pairing failed";
      this.#fail(message, error);
      return true;
    }
  }

  /** What follows from how it ended: milliseconds to wait before the next attempt. */
  async #next(ending: Ending): Promise<number> {
    if (this.#stop.signal.aborted) return 0;
    switch (ending.reason) {
      case "closed": {
        this.#fail(`connection closed (${ending.code} ${ending.detail})`.trimEnd(), undefined);
        const replaced =
          ending.code === CloseCode.replaced && ending.detail.startsWith("another core");
        return replaced ? REPLACED_WAIT_MS : this.#backoff();
      }
      case "unreachable":
        this.#fail(`edge unreachable: ${ending.detail}`, undefined);
        return this.#backoff();
      case "wrong_edge":
        this.#fail(
          "the edge's key is not the one we know: something in between answers for it",
          undefined,
        );
        return BACKOFF.maxMs;
      case "refused":
        return this.#refused(ending);
    }
  }

  async #refused(ending: Extract<Ending, { reason: "refused" }>): Promise<number> {
    if (ending.code === "clock_skew" && ending.serverTime !== undefined && !this.#skewTried) {
      this.#skewTried = true;
      this.#skewMs = ending.serverTime - Date.now();
      this.#log.warn({ skewMs: this.#skewMs }, "our clock differs from the edge's");
      return 0;
    }
    this.#fail(`edge refused us: ${ending.status} ${ending.code} ${ending.detail}`, undefined);
    // The edge has forgotten our key, and we hold what lets us in again.
    const { pairing } = this.#settings;
    if (ending.code === "unauthenticated" && pairing !== undefined) await this.#pair(pairing);
    return this.#backoff();
  }

  /** Our own fault, a store that cannot be read perhaps: no reason to stop trying. */
  #broken(err: unknown): number {
    this.#connection?.close();
    this.#connection = undefined;
    this.#fail("the connection could not be set up", err);
    return this.#backoff();
  }

  #backoff(): number {
    const waitMs = backoffMs(Math.min(this.#attempt, 20), Math.random, BACKOFF);
    this.#attempt += 1;
    return Math.max(1, waitMs);
  }

  #fail(reason: string, err: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#log.warn({ reason, ...(err === undefined ? {} : { err }) }, "tunnel not connected");
    const since = this.#state.connected ? Date.now() : this.#state.since;
    this.#change({ connected: false, since, lastError: reason });
  }

  #change(state: TunnelState): void {
    const changed = state.connected !== this.#state.connected;
    this.#state = state;
    if (changed) for (const listener of this.#listeners) listener(state);
  }
}

/** How often a drain looks whether the last stream has ended. */
const DRAIN_POLL_MS = 25;
