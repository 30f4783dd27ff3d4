import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";

/** A server of any kind on loopback, ended with all its connections. */
export async function listening(
  server: Server = createServer(),
): Promise<AsyncDisposable & { readonly url: URL; readonly server: Server }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
