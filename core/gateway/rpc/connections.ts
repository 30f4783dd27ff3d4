import { CloseCode } from "../../../shared/close-code.ts";
import { GatewayError } from "../../../shared/errors.ts";
import type { ClientSocket } from "../../tunnel/handlers.ts";
import type { Origin } from "../auth/auth.ts";
import type { Audience, EventHub, GatewayEvent } from "../../methods/events.ts";
import { type ClientInfo, covers } from "../../methods/method.ts";
import {
  Connection,
  type ConnectionHost,
  type ConnectionParts,
  type ConnectionWatcher,
  type Emission,
} from "./connection.ts";
import { TICK_INTERVAL_MS } from "./hello.ts";
import type { Kept } from "./kept.ts";
import { Missed } from "./missed.ts";

/** Sockets that have not said who they are; each may hold 64 KiB of a message it never ends. */
const MAX_HANDSHAKES = 64;
/** By then some of them have said who they are, or were sent away. */
const HANDSHAKE_RETRY_MS = 1_000;
/** Long enough for a close frame to be answered by a client that is alive. */
const CLOSE_GRACE_MS = 1_000;

/** Who wants to know which clients there are. */
export interface ClientWatcher {
  onJoin(client: ClientInfo): void;
  onLeave(client: ClientInfo): void;
}

/** Why local clients are sent away, and when it is worth coming back. */
export interface Farewell {
  readonly reason: string;
  readonly restartExpectedMs?: number | undefined;
}

const STOPPING: Farewell = { reason: "gateway stopping" };

/**
 * All WebSocket clients of the gateway, and the tick that shows those of our own port that we live.
 *
 * It outlives a restart within the process: clients at the edge wait for the new parts and notice
 * nothing.
 */
export class Connections implements EventHub {
  #parts: ConnectionParts | undefined;
  readonly #watcher: ClientWatcher | undefined;
  readonly #open = new Set<Connection>();
  readonly #waiting = new Set<() => void>();
  readonly #missed = new Missed();
  readonly #host: ConnectionHost = {
    parts: () => this.#current,
    paused: () => this.#pause?.promise,
    held: () => this.#hold?.promise ?? this.#pause?.promise,
    patience: () => this.#patience.signal,
  };
  /** Aborts what only waits for somebody's word. */
  #patience = new AbortController();
  #pause: PromiseWithResolvers<void> | undefined;
  #hold: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param parts - Left out: clients wait until the first `resume`. */
  constructor(parts?: ConnectionParts, watcher?: ClientWatcher) {
    this.#parts = parts;
    this.#watcher = watcher;
    if (parts === undefined) this.pause();
  }

  /** From now on what clients ask waits for `resume`; what is under way goes on. */
  pause(): void {
    this.#pause ??= Promise.withResolvers();
  }

  /** From now on calls that are put off wait for `release` or `resume`. */
  hold(): void {
    this.#hold ??= Promise.withResolvers();
  }

  release(): void {
    const hold = this.#hold;
    this.#hold = undefined;
    hold?.resolve();
  }

  /** Clients are served by these from now on. */
  resume(parts: ConnectionParts): void {
    this.#parts = parts;
    if (this.#patience.signal.aborted) this.#patience = new AbortController();
    const pause = this.#pause;
    this.#pause = undefined;
    pause?.resolve();
    this.release();
  }

  /**
   * Whether one more may begin: asked before the client gets its 101.
   *
   * @throws GatewayError overloaded
   */
  checkRoom(): void {
    const waiting = [...this.#open].filter(({ isOpen }) => !isOpen).length;
    if (waiting < MAX_HANDSHAKES) return;
    throw new GatewayError("overloaded", "Too many connections that have not said who they are", {
      retryAfterMs: HANDSHAKE_RETRY_MS,
    });
  }

  /**
   * Takes a client over.
   *
   * @param kept - What the core before us kept of it; undefined for a client that is new.
   */
  add(socket: ClientSocket, origin: Origin, kept?: Kept): void {
    const watcher: ConnectionWatcher = {
      onOpen: () => {
        this.#missed.meet(connection.id, this.#current.now());
        this.#joined(connection);
      },
      onIdle: () => this.#changed(),
      onClose: () => this.#remove(connection),
    };
    const connection = new Connection(socket, origin, this.#host, watcher, kept);
    this.#open.add(connection);
    if (connection.isOpen) {
      this.#tellMissed(connection);
      this.#joined(connection);
    }
    if (origin.via === "local") {
      this.#timer ??= setInterval(() => this.#tick(), TICK_INTERVAL_MS).unref();
    }
  }

  /** Everybody who is through the handshake. */
  get clients(): ClientInfo[] {
    return [...this.#open].flatMap(({ client }) => client ?? []);
  }

  publish(
    event: GatewayEvent,
    payload: unknown,
    to: Audience & Pick<Emission, "stateVersion"> = {},
  ): void {
    if (this.#parts !== undefined) {
      this.#missed.note({ event, payload, to }, this.#parts.now());
    }
    for (const connection of this.#open) {
      if (isMeant(connection, to)) connection.emit(event, payload, to);
    }
  }

  /** Sends those away that `which` means. */
  closeThose(which: (client: ClientInfo) => boolean, code: number, reason: string): void {
    for (const connection of this.#open) {
      if (connection.client !== undefined && which(connection.client)) {
        connection.close(code, reason);
      }
    }
  }

  /**
   * Resolves when no request is under way, or `deadlineMs` have passed. Requests that only wait for
   * somebody's word end, until `resume`.
   */
  async settle(deadlineMs: number): Promise<void> {
    this.#patience.abort();
    await this.#until(() => [...this.#open].every(({ isIdle }) => isIdle), deadlineMs);
  }

  /**
   * Says goodbye to everybody on our own port; resolves when all are gone or have been given time
   * to go. Those at the edge hear nothing: their sockets wait there for the next core.
   */
  async close(farewell: Farewell = STOPPING): Promise<void> {
    const leaving = this.#local();
    for (const connection of leaving) {
      connection.emit("shutdown", farewell);
      connection.close(CloseCode.restart, "service restart");
    }
    // Those who come back at once are others.
    await this.#until(() => !leaving.some((one) => this.#open.has(one)), CLOSE_GRACE_MS);
  }

  get #current(): ConnectionParts {
    if (this.#parts === undefined) throw new Error("a client before there is a gateway");
    return this.#parts;
  }

  async #until(isSo: () => boolean, deadlineMs: number): Promise<void> {
    if (isSo()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (isSo()) resolve();
    };
    this.#waiting.add(look);
    const timer = setTimeout(resolve, deadlineMs);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(look);
  }

  #tick(): void {
    const payload = { ts: this.#current.now() };
    for (const connection of this.#local()) connection.emit("tick", payload, { droppable: true });
  }

  #local(): Connection[] {
    return [...this.#open].filter(({ via }) => via === "local");
  }

  #tellMissed(connection: Connection): void {
    if (this.#parts === undefined) return;
    for (const { event, payload, to } of this.#missed.of(connection.id, this.#parts.now())) {
      if (isMeant(connection, to)) connection.emit(event, payload, to);
    }
  }

  #joined({ client }: Connection): void {
    if (client !== undefined) this.#watcher?.onJoin(client);
  }

  #remove(connection: Connection): void {
    this.#open.delete(connection);
    const { greeted } = connection;
    if (greeted !== undefined) this.#watcher?.onLeave(greeted);
    if (this.#local().length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    this.#changed();
  }

  #changed(): void {
    for (const look of this.#waiting) look();
  }
}

function isMeant(one: Connection, to: Audience): boolean {
  const { client } = one;
  if (client === undefined || !covers(client.scopes, to.scope ?? "operator.read")) return false;
  if (to.localOnly === true && one.via === "edge") return false;
  if (to.connection !== undefined && to.connection !== one.id) return false;
  return to.topic === undefined || one.hears(to.topic);
}
