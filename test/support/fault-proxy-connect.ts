/** An HTTP proxy as companies have them: CONNECT, perhaps with a password. */
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";

export interface ConnectProxy extends AsyncDisposable {
  readonly port: number;
  /** `host:port` of every tunnel that was asked for, refused ones included. */
  readonly asked: readonly string[];
  /** How often the password was missing or wrong. */
  readonly refused: number;
  /** What becomes of the tunnels that are asked for from now on; those that stand are cut. */
  change(options: ConnectProxyOptions): void;
}

export interface ConnectProxyOptions {
  /** `user:password`; without it everybody may. */
  readonly credentials?: string;
  /** Where every tunnel really goes; otherwise where it asks to go. */
  readonly target?: number;
}

/** Source: RFC 9110 section 9.3.6 (CONNECT) and 11.7 (407). */
export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  let { credentials, target } = options;
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let refused = 0;
  const expected = (): string =>
    `Basic ${Buffer.from(credentials ?? "", "utf8").toString("base64")}`;

  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("connect", (request, stream, head) => {
    const client = sockets.values().find((socket) => socket === stream);
    if (client === undefined) return;
    client.on("error", () => undefined);
    asked.push(request.url ?? "");
    if (credentials !== undefined && request.headers["proxy-authorization"] !== expected()) {
      refused += 1;
      client.end(
        "HTTP/1.1 407 Proxy Authentication Required\r\n" +
          'Proxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\n\r\n',
      );
      return;
    }
    const { hostname, port } = new URL(`http://${request.url ?? ""}`);
    const upstream =
      target === undefined
        ? connect({ host: hostname, port: Number(port || 80) })
        : connect({ host: "127.0.0.1", port: target });
    sockets.add(upstream);
    upstream.once("close", () => sockets.delete(upstream));
    upstream.once("connect", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      client.pipe(upstream);
      upstream.pipe(client);
    });
    upstream.once("error", () => client.destroy());
    client.once("close", () => upstream.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
  return {
    port: address.port,
    asked,
    get refused() {
      return refused;
    },
    change(changed) {
      ({ credentials, target } = changed);
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
