import { CloseCode } from "../../shared/close-code.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { ClientSocket } from "../tunnel/handlers.ts";
import type { Origin } from "./auth.ts";
import type { Audience, EventHub, GatewayEvent } from "../methods/events.ts";
import { type ClientInfo, covers } from "../methods/method.ts";
import { Connection, type ConnectionParts } from "./connection.ts";
import { TICK_INTERVAL_MS } from "./hello.ts";
import type { Kept } from "./kept.ts";

/** Sockets that have not said who they are; each may hold 4 MiB of a message it never ends. */
const MAX_HANDSHAKES = 64;
/** By then some of them have said who they are, or were sent away. */
const HANDSHAKE_RETRY_MS = 1_000;
/** Long enough for a close frame to be answered by a client that is alive. */
const CLOSE_GRACE_MS = 1_000;

/** All WebSocket clients of the gateway, and the tick that shows those of our own port that we live. */
export class Connections implements EventHub {
  readonly #parts: ConnectionParts;
  readonly #open = new Set<Connection>();
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
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
    const watcher = { onIdle: () => this.#changed(), onClose: () => this.#remove(connection) };
    const connection = new Connection(socket, origin, this.#parts, watcher, kept);
    this.#open.add(connection);
    if (origin.via === "local") {
      this.#timer ??= setInterval(() => this.#tick(), TICK_INTERVAL_MS).unref();
    }
  }

  /** Everybody who is through the handshake. */
  get clients(): ClientInfo[] {
    return [...this.#open].flatMap(({ client }) => client ?? []);
  }

  publish(event: GatewayEvent, payload: unknown, to: Audience = {}): void {
    for (const connection of this.#open)
      if (isMeant(connection, to)) connection.emit(event, payload);
  }

  /** Resolves when no request is under way, or `deadlineMs` have passed. */
  async settle(deadlineMs: number): Promise<void> {
    await this.#until(() => [...this.#open].every(({ isIdle }) => isIdle), deadlineMs);
  }

  /**
   * Says goodbye to everybody on our own port; resolves when all are gone or have been given time
   * to go. Those at the edge hear nothing: their sockets wait there for the next core.
   */
  async close(): Promise<void> {
    for (const connection of this.#local()) {
      connection.emit("shutdown", { reason: "gateway stopping" });
      connection.close(CloseCode.restart, "service restart");
    }
    await this.#until(() => this.#local().length === 0, CLOSE_GRACE_MS);
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
    const payload = { ts: this.#parts.now() };
    for (const connection of this.#local()) connection.emit("tick", payload);
  }

  #local(): Connection[] {
    return [...this.#open].filter(({ via }) => via === "local");
  }

  #remove(connection: Connection): void {
    this.#open.delete(connection);
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
