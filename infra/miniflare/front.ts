import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface Front extends AsyncDisposable {
  readonly port: number;
}

export interface FrontSettings {
  readonly host: string;
  /** 0 means any free one. */
  readonly port: number;
  /** Loopback port of the runtime. */
  readonly target: number;
}

/** From a client's end to the reset: far below what a model call costs, far above a loopback trip. */
const PARTING_MS = 100;

/**
 * Stands in front of a local runtime, as Cloudflare's proxy does of a deployed one, and does one
 * thing of what that does: tell the Worker that a client has left.
 *
 * A client that gives up closes its socket, which the runtime takes for "has sent all", so that a
 * silent request, a model that thinks, would run on for nobody. Here it becomes a reset, which
 * aborts `request.signal` at once. HTTP clients have no use for a half-closed connection.
 *
 * @throws Error EADDRINUSE and the like.
 */
export async function startFront({ host, port, target }: FrontSettings): Promise<Front> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const runtime = connect({ host: "127.0.0.1", port: target, noDelay: true });
    for (const socket of [client, runtime]) {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
    }
    join(client, runtime);
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

function join(client: Socket, runtime: Socket): void {
  client.pipe(runtime, { end: false });
  runtime.pipe(client);
  client.once("end", () => {
    // What it said last must arrive, and a runtime that was told goodbye (the end of a WebSocket)
    // closes by itself.
    const timer = setTimeout(() => runtime.resetAndDestroy(), PARTING_MS);
    runtime.once("close", () => {
      clearTimeout(timer);
      client.end();
    });
  });
  client.once("error", () => runtime.resetAndDestroy());
  // Not an end: the client must see that the rest is missing.
  runtime.once("error", () => client.resetAndDestroy());
}
