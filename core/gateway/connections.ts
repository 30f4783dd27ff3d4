import { GatewayError } from "../../shared/errors.ts";
import type { ClientSocket } from "../tunnel/handlers.ts";
import type { Origin } from "./auth.ts";
import { Connection, type ConnectionParts, TICK_INTERVAL_MS } from "./connection.ts";

/** Sockets that have not said who they are; each may hold 4 MiB of a message it never ends. */
const MAX_HANDSHAKES = 64;
/** Long enough for a close frame to be answered by a client that is alive. */
const CLOSE_GRACE_MS = 1_000;

/** All WebSocket clients of the gateway, and the tick that shows them we are there. */
export class Connections {
  readonly #parts: ConnectionParts;
  readonly #open = new Set<Connection>();
  readonly #empty = new Set<() => void>();
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
      retryAfterMs: 1000,
    });
  }

  /** Takes a new client over. */
  add(socket: ClientSocket, origin: Origin): void {
    const connection = new Connection(socket, origin, this.#parts, () => this.#remove(connection));
    this.#open.add(connection);
    this.#timer ??= setInterval(() => this.#tick(), TICK_INTERVAL_MS).unref();
  }

  /** Says goodbye to everybody; resolves when all are gone or have been given time to go. */
  async close(): Promise<void> {
    const gone = Promise.withResolvers<void>();
    if (this.#open.size === 0) return;
    this.#empty.add(gone.resolve);
    for (const connection of this.#open) {
      connection.emit("shutdown", { reason: "gateway stopping" });
      connection.close(1012, "service restart");
    }
    const timer = setTimeout(gone.resolve, CLOSE_GRACE_MS);
    await gone.promise;
    clearTimeout(timer);
  }

  #tick(): void {
    const payload = { ts: this.#parts.now() };
    for (const connection of this.#open) connection.emit("tick", payload);
  }

  #remove(connection: Connection): void {
    this.#open.delete(connection);
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const resolve of this.#empty) resolve();
    this.#empty.clear();
  }
}
