import { EventEmitter, once } from "node:events";
import { type RawData, WebSocket } from "ws";

/** How a socket has ended. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

export interface GatewaySocket extends Disposable {
  readonly socket: WebSocket;
  /** Every frame so far, parsed. */
  readonly frames: readonly Readonly<Record<string, unknown>>[];
  send(message: unknown): void;
  /** Resolves with the first frame from `from` on that has these properties. */
  frame(properties: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
  /** Resolves when it is closed. */
  readonly ended: Promise<Ending>;
}

export interface GatewaySocketOptions {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client of the gateway's WebSocket protocol that says what it is told to, right or wrong. */
export async function openGatewaySocket(
  base: URL | string,
  { path = "/gateway", headers = {} }: GatewaySocketOptions = {},
): Promise<GatewaySocket> {
  const url = new URL(path, base);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  const frames: Record<string, unknown>[] = [];
  const events = new EventEmitter();
  const { promise: ended, resolve } = Promise.withResolvers<Ending>();
  socket.on("message", (data) => {
    frames.push(JSON.parse(textOf(data)));
    events.emit("frame");
  });
  socket.on("close", (code, reason) => {
    resolve({ code, reason: reason.toString("utf8") });
    events.emit("frame");
  });
  await once(socket, "open");
  socket.on("error", () => undefined);
  return {
    socket,
    frames,
    ended,
    send: (message) =>
      socket.send(
        typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message),
      ),
    async frame(properties) {
      const wanted = Object.entries(properties);
      for (;;) {
        const found = frames.find((frame) =>
          wanted.every(([name, value]) => frame[name] === value),
        );
        if (found !== undefined) return found;
        if (socket.readyState === WebSocket.CLOSED) {
          throw new Error(`closed without such a frame: ${JSON.stringify(frames)}`);
        }
        await once(events, "frame");
      }
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}

/** A `connect` request as the command line sends it. */
export function connectFrame(change: object = {}): Readonly<Record<string, unknown>> {
  return {
    type: "req",
    id: "1",
    method: "connect",
    params: {
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: "cli", version: "1", platform: "linux", mode: "cli" },
      role: "operator",
      scopes: ["operator.read"],
      ...change,
    },
  };
}
