/** A path between two programs that fails on demand: TCP on loopback, in front of a real server. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Leg, type LegMode, type LegPlan } from "./fault-proxy-leg.ts";

/** `up` is what the client sends, `down` what it gets. */
export type Direction = "up" | "down";

export interface Plan {
  /** Reset as soon as it is accepted: what a closed port looks like from afar. */
  readonly refuse?: boolean;
  readonly up?: LegPlan;
  readonly down?: LegPlan;
}

/** One connection through the proxy, until both its sockets are gone. */
class Connection {
  readonly legs: Readonly<Record<Direction, Leg>>;
  readonly #client: Socket;
  readonly #target: Socket;

  constructor(client: Socket, target: Socket, plan: Plan) {
    this.#client = client;
    this.#target = target;
    const sever = (how: "reset" | "end"): void => this.sever(how);
    this.legs = {
      up: new Leg(client, target, plan.up ?? {}, sever),
      down: new Leg(target, client, plan.down ?? {}, sever),
    };
  }

  /** Ends it, as seen from both sides. */
  sever(how: "reset" | "end"): void {
    for (const leg of Object.values(this.legs)) leg.mode = "dropped";
    for (const socket of [this.#client, this.#target]) {
      if (how === "reset") socket.resetAndDestroy();
      else endInOrder(socket);
    }
  }
}

/** A socket that is closed with bytes unread sends a reset instead of its FIN. */
const PARTING_MS = 1_000;

function endInOrder(socket: Socket): void {
  socket.end();
  if (socket.readableEnded) socket.once("finish", () => socket.destroy());
  else socket.once("end", () => socket.destroy());
  const timer = setTimeout(() => socket.destroy(), PARTING_MS);
  socket.once("close", () => clearTimeout(timer));
}

export interface FaultProxyOptions {
  /** Loopback port of the real server. */
  readonly target: number;
  /** Loopback address and port of its own. Default: 127.0.0.1, any free one. */
  readonly host?: string;
  readonly port?: number;
  /** What happens to the n-th connection, from 0. Default: nothing. */
  readonly plan?: (index: number) => Plan;
  /** Sees what a client sent, as it came. */
  readonly onSent?: (bytes: Uint8Array) => void;
}

/** @returns One that passes everything on. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");
  return new FaultProxy(server, options);
}

export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  /** Where the next connections go. */
  target: number;
  /** What happens to the next connections, by number. */
  plan: (index: number) => Plan;
  readonly #server: Server;
  readonly #onSent: (bytes: Uint8Array) => void;
  readonly #live = new Set<Connection>();
  readonly #sockets = new Set<Socket>();
  readonly #watchers = new Set<() => void>();
  #accepted = 0;
  #mode: Record<Direction, LegMode> = { up: "passing", down: "passing" };
  readonly #ended = { up: 0, down: 0 };

  constructor(server: Server, options: FaultProxyOptions) {
    const { target, plan = () => ({}), onSent = () => undefined } = options;
    this.#server = server;
    this.#onSent = onSent;
    this.target = target;
    this.plan = plan;
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
    this.port = address.port;
    server.on("connection", (client) => this.#accept(client));
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Connections that stand now. */
  get open(): number {
    return this.#live.size;
  }

  /** Bytes that went through, of all connections together. */
  bytes(direction: Direction): number {
    let bytes = this.#ended[direction];
    for (const { legs } of this.#live) bytes += legs[direction].passedBytes;
    return bytes;
  }

  /**
   * From now on bytes vanish and nobody is told of anything. A connection that this happens to is
   * dead for good, as bytes missing from its middle are nothing that TCP could ever show.
   */
  drop(...directions: readonly Direction[]): void {
    this.#setMode("dropped", directions);
  }

  /** From now on, on every connection, bytes wait. */
  stall(...directions: readonly Direction[]): void {
    this.#setMode("stalled", directions);
  }

  /** What was stalled goes on, and new connections are as the plan says. */
  resume(): void {
    this.#setMode("passing", []);
  }

  /** Ends what stands. New connections are accepted. */
  sever(how: "reset" | "end"): void {
    for (const connection of this.#live) connection.sever(how);
  }

  /** Resolves once so many connections were accepted, of all there ever were. */
  async waitForConnections(count: number): Promise<void> {
    await this.#until(() => this.#accepted >= count);
  }

  /** Resolves once no connection stands. */
  async waitForSilence(): Promise<void> {
    await this.#until(() => this.#live.size === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    const plan = this.plan(this.#accepted);
    this.#accepted += 1;
    this.#keep(client);
    client.on("data", this.#onSent);
    if (plan.refuse === true) {
      client.on("error", () => undefined);
      client.resetAndDestroy();
      this.#changed();
      return;
    }
    const options = { host: "127.0.0.1", port: this.target, allowHalfOpen: true, noDelay: true };
    const target = connect(options);
    this.#keep(target);
    const connection = new Connection(client, target, plan);
    for (const direction of ["up", "down"] as const) {
      connection.legs[direction].mode = this.#mode[direction];
    }
    this.#live.add(connection);
    let open = 2;
    for (const socket of [client, target]) {
      socket.once("close", () => {
        open -= 1;
        if (open === 0) this.#gone(connection);
      });
    }
    this.#changed();
  }

  #gone(connection: Connection): void {
    this.#live.delete(connection);
    for (const direction of ["up", "down"] as const) {
      this.#ended[direction] += connection.legs[direction].passedBytes;
    }
    this.#changed();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #setMode(mode: LegMode, directions: readonly Direction[]): void {
    const chosen = directions.length === 0 ? (["up", "down"] as const) : directions;
    for (const direction of chosen) {
      this.#mode[direction] = mode;
      for (const { legs } of this.#live) legs[direction].mode = mode;
    }
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
    }
  }

  #changed(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher();
  }
}
