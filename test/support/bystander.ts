import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

/** Somebody else's server, which takes whatever it is sent. */
export interface Bystander extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** All that reached it: request lines, headers, bodies, and messages on sockets. */
  readonly heard: readonly string[];
}

/** It greets sockets as a gateway does, so that clients say who they are. */
export async function startBystander(): Promise<Bystander> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`, request.rawHeaders.join("\n"));
    request.on("data", (chunk: Buffer) => heard.push(chunk.toString()));
    request.on("end", () => response.end("{}"));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, request) => {
    heard.push(`${request.method} ${request.url}`, request.rawHeaders.join("\n"));
    socket.on("message", (data: Buffer) => {
      heard.push(data.toString());
      socket.close(1008, "go away");
    });
    const payload = { nonce: crypto.randomUUID(), ts: Date.now() };
    socket.send(JSON.stringify({ type: "event", event: "connect.challenge", payload }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return {
    url: `http://127.0.0.1:${address.port}`,
    heard,
    async [Symbol.asyncDispose]() {
      for (const client of sockets.clients) client.terminate();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
