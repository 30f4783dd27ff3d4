import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import { type LocalHandlers, type LocalServer, serve, type ServeOptions } from "./serve.ts";

/** A leader that dies frees its port and its lock at once: looked for as often as the lock. */
const LOOK_EVERY_MS = 100;

/**
 * Our own port, from before it is known who answers there. Disposing it cuts what is still open.
 */
export class Front implements AsyncDisposable {
  readonly #options: ServeOptions;
  readonly #log: Logger;
  /** Aborts when there is no more waiting for the port. */
  readonly #stop: AbortController;
  #handlers: LocalHandlers;
  #server: LocalServer | undefined;
  #listening: Promise<void> | undefined;

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
    this.#server = await serve(this.#options, this.#current(), this.#log);
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

  /** Accepts nothing new; resolves when every request is answered or `deadlineMs` has passed. */
  async drain(deadlineMs: number): Promise<void> {
    this.#stop.abort();
    await this.#server?.drain(deadlineMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#listening?.catch(() => undefined);
    await this.#server?.[Symbol.asyncDispose]();
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
