import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { LIMITS } from "../../shared/limits.ts";
import { type ConnectedUpstream, startUpstream } from "../support/connector.ts";
import { listening } from "../support/http-upstream.ts";

let http: Awaited<ReturnType<typeof listening>>;
let echo: WebSocketServer;
let site: ConnectedUpstream;
const upstream = new EventEmitter();

/** The echo server of `ws`' own manual, which also says and does what it is told. */
function obey(socket: WebSocket, data: Buffer, isBinary: boolean): void {
  const text = isBinary ? "" : data.toString();
  const [word, code, reason] = text.split(" ");
  if (word === "close") socket.close(code === undefined ? undefined : Number(code), reason);
  else if (word === "vanish") socket.terminate();
  else if (word === "flood") flood(socket, Number(code));
  else socket.send(data, { binary: isBinary });
}

/** So many messages of 64 KiB, as fast as they go. */
function flood(socket: WebSocket, count: number): void {
  const message = Buffer.alloc(65_536, "f");
  const more = (left: number): void => {
    if (left === 0) return;
    socket.send(message, () => more(left - 1));
  };
  more(count);
}

beforeAll(async () => {
  http = await listening();
  echo = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has("chat.v2") ? "chat.v2" : false),
  });
  http.server.on("upgrade", (incoming, socket, head) => {
    if (incoming.url === "/private") {
      socket.end("HTTP/1.1 403 Forbidden\r\nX-Why: members\r\nContent-Length: 7\r\n\r\nmembers");
      return;
    }
    echo.handleUpgrade(incoming, socket, head, (accepted) => {
      accepted.on("message", (data: Buffer, isBinary) => obey(accepted, data, isBinary));
      upstream.emit("opened", incoming, accepted);
    });
  });
  site = await startUpstream({ url: http.url });
});

afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await http[Symbol.asyncDispose]();
});

function dial(path = "/", protocols: string[] = [], headers = {}): WebSocket {
  const url = new URL(path, site.edge.url);
  url.protocol = "ws:";
  const options = { headers: { Authorization: `Bearer ${site.token}`, ...headers } };
  return new WebSocket(url, protocols, options);
}

async function opened(socket: WebSocket): Promise<WebSocket> {
  await once(socket, "open");
  return socket;
}

/** A client, and how its own end at the upstream is closed: those of earlier tests may close late. */
async function dialled(): Promise<{ socket: WebSocket; closed: Promise<[number, string]> }> {
  const seen = once(upstream, "opened");
  const socket = await opened(dial());
  const [, accepted]: [IncomingMessage, WebSocket] = await seen.then(([incoming, end]) => [
    incoming,
    end,
  ]);
  const { promise: closed, resolve } = Promise.withResolvers<[number, string]>();
  accepted.on("close", (code, reason) => resolve([code, String(reason)]));
  return { socket, closed };
}

test("text, binary and empty messages come back as they went", async () => {
  const socket = await opened(dial());
  const large = randomBytes(1_000_000);
  for (const message of ["héllo", "", Buffer.from([0, 255]), Buffer.alloc(0), large]) {
    socket.send(message);
    const [data, isBinary] = await once(socket, "message");
    expect(isBinary).toBe(typeof message !== "string");
    expect(Buffer.compare(data, Buffer.from(message))).toBe(0);
  }
  socket.close();
});

test("the upstream decides with what the client sent, and chooses the subprotocol", async () => {
  const seen = once(upstream, "opened");
  const headers = { Origin: "https://app.example", Cookie: "session=1" };
  const socket = await opened(dial("/room?id=7", ["chat.v1", "chat.v2"], headers));
  const [incoming]: IncomingMessage[] = await seen;
  expect(socket.protocol).toBe("chat.v2");
  expect(incoming?.url).toBe("/room?id=7");
  expect(incoming?.headers).toMatchObject({
    host: http.url.host,
    origin: "https://app.example",
    cookie: "session=1",
  });
  expect(incoming?.headers.authorization).toBeUndefined();
  socket.close();
});

test("a refusal reaches the client with its status and body, and strangers never get that far", async () => {
  const [, refusal]: [unknown, IncomingMessage] = await once(
    dial("/private"),
    "unexpected-response",
  ).then(([request, response]) => [request, response]);
  expect([refusal.statusCode, refusal.headers["x-why"]]).toEqual([403, "members"]);
  const chunks: Buffer[] = [];
  for await (const chunk of refusal) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe("members");

  const stranger = dial("/", [], { Authorization: "Bearer wrong" });
  const [, answer] = await once(stranger, "unexpected-response");
  expect(answer.statusCode).toBe(401);
});

test.each([
  ["a code and a reason", "close 4321 bye", 4321, "bye"],
  ["a plain end", "close 1000", 1000, ""],
  ["going away", "close 1001", 1001, ""],
  ["no word at all", "vanish", 1014, "the upstream was lost"],
])("the client hears of an upstream that closes with %s", async (_name, order, ...heard) => {
  const socket = await opened(dial());
  socket.send(order);
  const [code, reason] = await once(socket, "close");
  expect([code, String(reason)]).toEqual(heard);
});

test.each([
  ["a code and a reason", (socket: WebSocket) => socket.close(4001, "done é"), 4001, "done é"],
  ["no code", (socket: WebSocket) => socket.close(), 1005, ""],
])("the upstream hears of a client that closes with %s", async (_name, close, ...heard) => {
  const { socket, closed } = await dialled();
  close(socket);
  expect(await closed).toEqual(heard);
});

test("a client that vanishes is gone for the upstream as well", async () => {
  const { socket, closed } = await dialled();
  socket.terminate();
  const [code] = await closed;
  expect([1006, 1011]).toContain(code);
});

test("a message too large for the edge closes with 1009", async () => {
  const socket = await opened(dial());
  socket.send(Buffer.alloc(LIMITS.maxWebSocketMessageBytes + 1));
  expect((await once(socket, "close"))[0]).toBe(1009);
});

test("ten thousand messages keep their order, both ways at once", async () => {
  const socket = await opened(dial());
  const count = 10_000;
  const received: number[] = [];
  const all = Promise.withResolvers<void>();
  socket.on("message", (data: Buffer) => {
    received.push(Number(data.toString()));
    if (received.length === count) all.resolve();
  });
  for (let index = 0; index < count; index += 1) socket.send(String(index));
  await all.promise;
  expect(received).toEqual(Array.from({ length: count }, (_v, index) => index));
  socket.close();
});

test("what an upstream pours out arrives whole at a client that reads", async () => {
  const socket = await opened(dial());
  const count = 512;
  let bytes = 0;
  const all = Promise.withResolvers<void>();
  socket.on("close", (code) => all.reject(new Error(`closed with ${code}`)));
  socket.on("message", (data: Buffer) => {
    bytes += data.byteLength;
    if (bytes === count * 65_536) all.resolve();
  });
  socket.send(`flood ${count}`);
  await all.promise;
  socket.close();
});
