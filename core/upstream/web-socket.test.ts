import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { LIMITS } from "../../shared/limits.ts";
import type { ClientSocket, Receipt, SocketListener } from "../tunnel/handlers.ts";
import { bridge } from "./bridge.ts";
import { dial } from "./dial.ts";

const HEADERS = { token: undefined, preserveHost: false, trustForwarded: false };
const PATIENT = { deadlineMs: 5_000, signal: new AbortController().signal };

/** An upstream that speaks WebSocket. */
async function world(options: ConstructorParameters<typeof WebSocketServer>[0] = {}) {
  const http = createServer((request, response) => {
    response.writeHead(403, { "x-why": request.url ?? "" }).end("not you");
  });
  const server = new WebSocketServer({ noServer: true, ...options });
  http.on("upgrade", (request, socket, head) => {
    if (request.url === "/mute") return;
    server.handleUpgrade(request, socket, head, (accepted) => {
      server.emit("connection", accepted, request);
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const address = http.address();
  const url = new URL(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
  return {
    http,
    server,
    dial: (path: string, headers: Record<string, string> = {}, change = {}) =>
      dial(
        {
          url: new URL(path, "https://edge.example"),
          headers: new Headers(headers),
          caller: { ip: "203.0.113.7", requestId: "request-1" },
        },
        { url, ...HEADERS },
        { ...PATIENT, ...change },
      ),
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate();
      http.closeAllConnections();
      http.close();
    },
  };
}

/** A client as the tunnel hands it over, in memory. */
class Client implements ClientSocket {
  readonly received: (string | Uint8Array)[] = [];
  readonly closed = Promise.withResolvers<{ code: number; reason: string }>();
  listener: SocketListener | undefined;
  bufferedBytes = 0;
  room = Promise.withResolvers<void>();
  #news = Promise.withResolvers<void>();

  send(message: string | Uint8Array): void {
    this.received.push(message);
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
  close(code: number, reason: string): void {
    this.closed.resolve({ code, reason });
  }
  drained(): Promise<void> | undefined {
    return this.room.promise;
  }
  keep(): void {}
  listen(listener: SocketListener): void {
    this.listener = listener;
  }
  /** Says something; resolves when it counts as taken. */
  say(message: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const receipt: Receipt = { answer: () => resolve(), done: () => resolve() };
      this.listener?.onMessage(message, receipt);
    });
  }
  async heard(count: number): Promise<void> {
    while (this.received.length < count) await this.#news.promise;
  }
}

async function opened(dialling: ReturnType<typeof dial>) {
  const dialled = await dialling;
  if (!dialled.ok) throw new Error(`refused with ${dialled.error.status}`);
  dialled.value.taken();
  return dialled.value;
}

test("messages of both kinds go both ways, and what the upstream says first is not lost", async () => {
  await using upstream = await world();
  upstream.server.on("connection", (socket) => {
    socket.send("welcome");
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  const { socket } = await opened(upstream.dial("/"));
  const client = new Client();
  bridge(socket, client, undefined);
  await client.say("text é");
  await client.say(Uint8Array.of(0, 255));
  await client.say("");
  await client.heard(4);
  expect(client.received).toEqual(["welcome", "text é", Buffer.from([0, 255]), ""]);
});

test("the upstream sees the client's own headers, and what it offers", async () => {
  await using upstream = await world({ handleProtocols: () => "v2" });
  const seen = once(upstream.server, "connection");
  const { protocol } = await opened(
    upstream.dial("/chat?room=1", {
      origin: "https://edge.example",
      cookie: "a=1",
      "sec-websocket-protocol": "v1, v2",
    }),
  );
  const [, request] = await seen;
  expect(protocol).toBe("v2");
  expect(request.url).toBe("/chat?room=1");
  expect(request.headers).toMatchObject({
    origin: "https://edge.example",
    cookie: "a=1",
    "sec-websocket-protocol": "v1, v2",
    "x-request-id": "request-1",
  });
  expect(request.headers["sec-websocket-extensions"]).toBeUndefined();
});

test("an upstream may choose none of what is offered", async () => {
  await using upstream = await world({ handleProtocols: () => false });
  const dialled = await opened(upstream.dial("/", { "sec-websocket-protocol": "v1" }));
  expect(dialled.protocol).toBeUndefined();
});

test("a refusal is the upstream's own, body and all", async () => {
  await using upstream = await world();
  upstream.http.removeAllListeners("upgrade");
  const refused = await upstream.dial("/private");
  expect(refused.ok).toBe(false);
  if (refused.ok) return;
  expect([refused.error.status, refused.error.headers.get("x-why")]).toEqual([403, "/private"]);
  expect(await refused.error.text()).toBe("not you");
});

test("an upstream that does not answer is given up, and so is a client that left", async () => {
  await using upstream = await world();
  const late = upstream.dial("/mute", {}, { deadlineMs: 20 });
  await expect(late).rejects.toMatchObject({ code: "core_timeout" });
  const leave = new AbortController();
  const left = upstream.dial("/mute", {}, { signal: leave.signal });
  leave.abort();
  await expect(left).rejects.toThrow();
});

test.each([
  ["a code and a reason", (socket: WebSocket) => socket.close(4321, "bye é"), 4321, "bye é"],
  ["a plain end", (socket: WebSocket) => socket.close(1000), 1000, ""],
  ["no code", (socket: WebSocket) => socket.close(), 1005, ""],
  ["no word at all", (socket: WebSocket) => socket.terminate(), 1014, "the upstream was lost"],
])("the client hears of an upstream that closes with %s", async (_name, close, code, reason) => {
  await using upstream = await world();
  upstream.server.on("connection", (socket) => socket.on("message", () => close(socket)));
  const { socket } = await opened(upstream.dial("/"));
  const client = new Client();
  bridge(socket, client, undefined);
  await client.say("go");
  expect(await client.closed.promise).toEqual({ code, reason });
});

test("a message larger than the edge carries closes the client with 1009", async () => {
  await using upstream = await world();
  upstream.server.on("connection", (socket) => {
    socket.send(Buffer.alloc(LIMITS.maxWebSocketMessageBytes + 1));
  });
  const { socket } = await opened(upstream.dial("/"));
  const client = new Client();
  bridge(socket, client, undefined);
  expect((await client.closed.promise).code).toBe(1009);
});

test.each([
  ["a code and a reason", 4321, "bye", 4321, "bye"],
  ["no code", 1005, "", 1005, ""],
  ["no word at all", 1006, "", 1006, ""],
])("the upstream hears of a client that closes with %s", async (_name, code, reason, ...heard) => {
  await using upstream = await world();
  const connected = once(upstream.server, "connection");
  const { socket } = await opened(upstream.dial("/"));
  const client = new Client();
  bridge(socket, client, undefined);
  const [theirs] = await connected;
  const closed = once(theirs, "close");
  client.listener?.onClose(code, reason);
  const [seenCode, seenReason] = await closed;
  expect([seenCode, String(seenReason)]).toEqual(heard);
});

test("a client that does not read stops the upstream, and one that leaves frees it", async () => {
  await using upstream = await world();
  const connected = once(upstream.server, "connection");
  const { socket } = await opened(upstream.dial("/"));
  const client = new Client();
  bridge(socket, client, undefined);
  const [theirs] = await connected;
  client.bufferedBytes = 2 * 1024 * 1024;
  theirs.send("one");
  await client.heard(1);
  expect(socket.isPaused).toBe(true);
  client.bufferedBytes = 0;
  client.room.resolve();
  theirs.send("two");
  await client.heard(2);
  expect(socket.isPaused).toBe(false);

  client.bufferedBytes = 2 * 1024 * 1024;
  client.room = Promise.withResolvers();
  theirs.send("three");
  await client.heard(3);
  // In front of the answer to our close, and unread.
  theirs.send(Buffer.alloc(4_000_000));
  const closed = Promise.all([once(theirs, "close"), once(socket, "close")]);
  client.listener?.onClose(1001, "");
  expect((await closed)[0][0]).toBe(1001);
});

test("a message for an upstream that is closing is taken all the same", async () => {
  await using upstream = await world();
  const { socket } = await opened(upstream.dial("/"));
  const client = new Client();
  bridge(socket, client, undefined);
  socket.terminate();
  await client.say("too late");
  expect((await client.closed.promise).code).toBe(1014);
});
