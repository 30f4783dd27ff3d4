import { once } from "node:events";
import pino from "pino";
import { WebSocket } from "ws";
import * as z from "zod";
import { Authenticator } from "../../core/gateway/auth/auth.ts";
import { Connections } from "../../core/gateway/rpc/connections.ts";
import { Lockout } from "../../core/gateway/auth/lockout.ts";
import { serve } from "../../core/gateway/port/serve.ts";
import type { Method } from "../../core/methods/method.ts";
import { GatewayError } from "../../shared/errors.ts";
import { Secret } from "../../shared/secret.ts";

export const RPC_TOKEN = "the-token";
export const RPC_NOW = 1_700_000_000_000;

const Frame = z.looseObject({ type: z.string() });
type Frame = z.output<typeof Frame>;

const echo: Method = {
  scope: "operator.read",
  call: (params) => z.strictObject({ text: z.string() }).parse(params),
};
const plain: Method = {
  scope: "operator.read",
  call: (params) => z.strictObject({}).parse(params) && "called",
};
const broken: Method = {
  scope: "operator.admin",
  call() {
    throw new TypeError("a bug with a /secret/path in it");
  },
};
const busy: Method = {
  scope: "operator.write",
  call() {
    throw new GatewayError("overloaded", "Come back later", { retryAfterMs: 5 });
  },
};

const stuck: Method = {
  scope: "operator.read",
  call: () => new Promise<never>(() => undefined),
};

export async function rpcWorld() {
  const parts = new AsyncDisposableStack();
  const authenticator = new Authenticator(
    { credentials: [new Secret(RPC_TOKEN)], exemptLoopback: false },
    new Lockout(),
    Date.now,
  );
  const methods = new Map(Object.entries({ echo, plain, broken, busy, stuck }));
  const shared = {
    authenticator,
    methods,
    snapshot: () => ({ presence: [] }),
    version: "1.2.3",
    now: () => RPC_NOW,
  };
  const connections = new Connections(shared);
  const server = parts.use(
    await serve(
      { port: 0, host: "127.0.0.1", allowedHosts: new Set(), maxRequestBodyBytes: 1024 },
      {
        fetch: () => new Response(null, { status: 404 }),
        upgrade: (_request, peer) => (socket) => connections.add(socket, { via: "local", ...peer }),
      },
      pino({ level: "silent" }),
    ),
  );
  return {
    connections,
    parts: shared,
    dial: (path = "/") => parts.use(new RpcClient(`${server.url.replace("http", "ws")}${path}`)),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** A client of the protocol, on a real socket; frames are read in order. */
export class RpcClient implements Disposable {
  readonly #socket: WebSocket;
  readonly #frames: Frame[] = [];
  readonly #waiting: ((frame: Frame) => void)[] = [];
  readonly closed: Promise<unknown[]>;

  constructor(url: string) {
    this.#socket = new WebSocket(url);
    this.closed = once(this.#socket, "close");
    this.#socket.on("message", (data: Buffer) => {
      const frame = Frame.parse(JSON.parse(data.toString("utf8")));
      const waiter = this.#waiting.shift();
      if (waiter === undefined) this.#frames.push(frame);
      else waiter(frame);
    });
  }

  next(): Promise<Frame> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  async request(method: string, params: unknown, id = "1"): Promise<Frame> {
    this.send({ type: "req", id, method, params });
    return this.next();
  }

  /** Code and reason of the close. */
  async end(): Promise<[unknown, string]> {
    const [code, reason] = await this.closed;
    return [code, String(reason)];
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}

export function connectParams(changes: object = {}): object {
  return {
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "cli", version: "2026.9.6", platform: "linux", mode: "cli" },
    role: "operator",
    scopes: ["operator.read"],
    caps: [],
    auth: { token: RPC_TOKEN },
    ...changes,
  };
}
