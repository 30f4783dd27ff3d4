import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { startFront } from "./front.ts";

async function listen(server: {
  listen(port: number, host: string): unknown;
  address(): unknown;
  close(): unknown;
  on(event: "listening", listener: () => void): unknown;
}): Promise<{ port: number } & AsyncDisposable> {
  await new Promise<void>((resolve) => {
    server.on("listening", resolve);
    server.listen(0, "127.0.0.1");
  });
  const { port } = Object(server.address());
  return { port: Number(port), [Symbol.asyncDispose]: async () => void server.close() };
}

/** What the front does to the runtime when its client is gone. */
function ignoreReset(socket: Socket): void {
  socket.on("error", () => {});
}

test("requests and answers pass unchanged, many on one connection", async () => {
  await using runtime = await listen(
    createServer((request, response) => {
      response.setHeader("X-Host", request.headers.host ?? "");
      request.pipe(response);
    }),
  );
  await using front = await startFront({ host: "127.0.0.1", port: 0, target: runtime.port });
  const body = Buffer.alloc(3_000_000, "abc");
  for (let index = 0; index < 3; index += 1) {
    const response = await fetch(`http://127.0.0.1:${front.port}/`, { method: "POST", body });
    expect(response.headers.get("X-Host")).toBe(`127.0.0.1:${front.port}`);
    expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), body)).toBe(0);
  }
});

test("a client that leaves reaches the runtime as a reset", async () => {
  const ended = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  await using runtime = await listen(
    createTcpServer((socket: Socket) => {
      socket.once("data", () => begun.resolve());
      socket.once("end", () => ended.resolve("half-closed"));
      socket.once("error", (error) => ended.resolve("code" in error ? String(error.code) : ""));
    }),
  );
  await using front = await startFront({ host: "127.0.0.1", port: 0, target: runtime.port });
  const request = httpRequest({ port: front.port, host: "127.0.0.1" });
  request.on("error", () => {});
  request.end();
  await begun.promise;
  request.destroy();
  expect(await ended.promise).toBe("ECONNRESET");
});

test("a client that closes politely is not left waiting", async () => {
  await using runtime = await listen(createTcpServer({ allowHalfOpen: true }, ignoreReset));
  await using front = await startFront({ host: "127.0.0.1", port: 0, target: runtime.port });
  const client = connect({ port: front.port, host: "127.0.0.1", allowHalfOpen: true });
  client.resume();
  client.end("bye");
  await once(client, "end");
});

test("an answer that breaks off does not look whole to the client", async () => {
  await using runtime = await listen(
    createTcpServer((socket: Socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", () =>
          socket.resetAndDestroy(),
        );
      });
    }),
  );
  await using front = await startFront({ host: "127.0.0.1", port: 0, target: runtime.port });
  const response = fetch(`http://127.0.0.1:${front.port}/`).then((answer) => answer.text());
  await expect(response).rejects.toThrow();
});

test("stopping ends what is open", async () => {
  await using runtime = await listen(createTcpServer(ignoreReset));
  const front = await startFront({ host: "127.0.0.1", port: 0, target: runtime.port });
  const client = connect({ port: front.port, host: "127.0.0.1" });
  client.on("error", () => {});
  await once(client, "connect");
  const closed = once(client, "close");
  await front[Symbol.asyncDispose]();
  client.destroy();
  await closed;
});

test("a port in use is an error of the start", async () => {
  await using taken = await listen(createTcpServer());
  await expect(startFront({ host: "127.0.0.1", port: taken.port, target: 1 })).rejects.toThrow(
    /EADDRINUSE/,
  );
});
