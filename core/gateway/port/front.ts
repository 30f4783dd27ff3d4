import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { GatewayError } from "../../../shared/errors.ts";
import type { Settings } from "../../config/settings.ts";
import type { NetworkRules } from "./peer.ts";
import { type LocalHandlers, type LocalServer, serve, type ServeOptions } from "./serve.ts";

/** A leader that dies frees its port and its lock at once: looked for as often as the lock. */
const LOOK_EVERY_MS = 100;
/** What was asked for at the old place has waited for the restart, and is about to be answered. */
const RETIRE_MS = 5_000;

/**
 * Our own port, from before it is known who answers there. Disposing it cuts what is still open.
 */
export class Front implements AsyncDisposable {
  #options: ServeOptions;
  readonly #log: Logger;
  /** Aborts when there is no more waiting for the port. */
  readonly #stop: AbortController;
  #handlers: LocalHandlers;
  #server: LocalServer | undefined;
  #listening: Promise<void> | undefined;
  /** Where we were before: they finish what they have. */
  readonly #retiring = new Set<Promise<void>>();

  /** @param signal - Aborts when the gateway is to end. */
  constructor(
    options: ServeOptions,
    handlers: LocalHandlers,
    { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
  ) {
    this.#options = options;
    this.#handlers = handlers;
    this.#log = log;
    this.#stop = new AbortController();
    signal.addEventListener("abort", () => this.#stop.abort(), { once: true });
  }

  /** The port it listens on; while another program has it, the one that we wait for. */
  get port(): number {
    return this.#server?.port ?? this.#options.port;
  }

  /** Where programs of this machine reach us. */
  get url(): string {
    return this.#server?.url ?? `http://127.0.0.1:${this.#options.port}`;
  }

  /** Another program has our port, the leader of this machine perhaps. */
  get isWaiting(): boolean {
    return this.#server === undefined;
  }

  /** @throws GatewayError as `serve`. */
  async listen(): Promise<void> {
    this.#server = await serve(this.#live(), this.#current(), this.#log);
  }

  /**
   * Listens at once or as soon as the program that has the port lets go of it.
   *
   * @returns When the first try is over.
   * @throws GatewayError as `serve`, but for `conflict`.
   */
  async listenSoon(): Promise<void> {
    if (await this.#try()) return;
    this.#log.info({ port: this.#options.port }, "another program has our port: waiting for it");
    this.#listening = this.#keepTrying();
    // Looked at when we lead; until then nobody is the worse for it.
    this.#listening.catch(() => undefined);
  }

  /**
   * From now on `handlers` answer.
   *
   * @param patienceMs - How long to wait for the port where `listenSoon` did not get it.
   * @throws GatewayError conflict when the port is still taken then.
   */
  async answerWith(handlers: LocalHandlers, patienceMs: number): Promise<void> {
    this.#handlers = handlers;
    if (this.#server !== undefined) return;
    const patience = setTimeout(() => this.#stop.abort(), patienceMs);
    await this.#listening;
    clearTimeout(patience);
    // One last try, for its error.
    if (this.isWaiting) await this.listen();
  }

  /**
   * Goes where these options say. Where that is another place, what is under way at the old one is
   * finished there.
   *
   * @throws GatewayError as `serve`: then it is where it was.
   */
  async move(options: ServeOptions): Promise<void> {
    const before = this.#options;
    this.#options = options;
    const old = this.#server;
    if (old === undefined || isSamePlace(before, options)) return;
    // One port cannot be had twice, at two addresses of which one is every address.
    const inTheWay = before.port === options.port;
    if (inTheWay) await old.leave();
    try {
      await this.listen();
    } catch (error) {
      this.#options = before;
      if (inTheWay) await this.listen();
      throw error;
    }
    this.#retire(old);
  }

  /** Accepts nothing new; resolves when every request is answered or `deadlineMs` has passed. */
  async drain(deadlineMs: number): Promise<void> {
    this.#stop.abort();
    await this.#server?.drain(deadlineMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#listening?.catch(() => undefined);
    await Promise.all([this.#server?.[Symbol.asyncDispose](), ...this.#retiring]);
  }

  #retire(old: LocalServer): void {
    const gone = old
      .drain(RETIRE_MS)
      .then(() => old[Symbol.asyncDispose]())
      .catch((err: unknown) => this.#log.error({ err }, "old port not let go"))
      .finally(() => this.#retiring.delete(gone));
    this.#retiring.add(gone);
  }

  /** Port and host as they are now; the rest as it is when a request comes. */
  #live(): ServeOptions {
    const options = (): ServeOptions => this.#options;
    const { port, host, alsoHosts } = this.#options;
    return {
      port,
      host,
      alsoHosts,
      get rules() {
        return options().rules;
      },
      get allowedHosts() {
        return options().allowedHosts;
      },
      get maxRequestBodyBytes() {
        return options().maxRequestBodyBytes;
      },
    };
  }

  /** Whoever answers at the moment a request comes. */
  #current(): LocalHandlers {
    return {
      fetch: (request, peer) => this.#handlers.fetch(request, peer),
      upgrade: (request, peer) => this.#handlers.upgrade(request, peer),
    };
  }

  async #keepTrying(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted || (await this.#try())) return;
    }
  }

  async #try(): Promise<boolean> {
    try {
      await this.listen();
      return true;
    } catch (error) {
      if (error instanceof GatewayError && error.code === "conflict") return false;
      throw error;
    }
  }
}

function isSamePlace(one: ServeOptions, other: ServeOptions): boolean {
  return one.host === other.host && one.port === other.port;
}

/**
 * Where our own port is, and what it takes.
 *
 * @param rules - As the settings are when a request comes.
 */
export function serveOptionsOf(
  { gateway, limits }: Settings,
  rules: () => NetworkRules,
): ServeOptions {
  const { host, alsoHosts, port, allowedHosts } = gateway;
  const { maxRequestBodyBytes } = limits;
  return { host, alsoHosts, port, allowedHosts, rules, maxRequestBodyBytes };
}
