import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, type RequestListener, createServer, request } from "node:http";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { type HttpFrontSettings, startHttpFront } from "./front.ts";
import { parseTrustedProxies } from "./trusted-proxies.ts";

/** A front, and behind it a server that does what `listener` does. */
async function world(listener: RequestListener, change: Partial<HttpFrontSettings> = {}) {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "front-"));
  parts.defer(() => rm(folder, { recursive: true }));
  const target = join(folder, "s");
  const runtime = createServer(listener).listen(target);
  await once(runtime, "listening");
  parts.defer(() => {
    runtime.close();
    runtime.closeAllConnections();
  });
  const trusted = parseTrustedProxies("");
  if (!trusted.ok) throw new Error(trusted.error);
  const front = parts.use(
    await startHttpFront({
      host: "127.0.0.1",
      port: 0,
      target,
      certificate: undefined,
      trusted: trusted.value,
      onUntrustedProxy: () => {},
      ...change,
    }),
  );
  const moved = parts.move();
  const url = `http://127.0.0.1:${front.port}`;
  return { front, runtime, url, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

test("requests and answers pass as they are, many on one connection", async () => {
  await using it = await world((asked, answer) => {
    answer.setHeader("X-Seen", `${asked.method} ${asked.url} ${asked.headers.host}`);
    answer.setHeader("Set-Cookie", ["a=1", "b=2"]);
    asked.pipe(answer);
  });
  const body = Buffer.alloc(3_000_000, "abc");
  for (let index = 0; index < 3; index += 1) {
    const answer = await fetch(`${it.url}/a%2Fb?c=d`, { method: "POST", body });
    const host = it.url.replace("http://", "");
    expect(answer.headers.get("X-Seen")).toBe(`POST /a%2Fb?c=d ${host}`);
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(Buffer.compare(Buffer.from(await answer.arrayBuffer()), body)).toBe(0);
  }
});

test("the runtime is not asked to close, which it might do before the last write of a request", async () => {
  await using it = await world((asked, answer) => {
    answer.end(asked.headers.connection);
  });
  const headers = { Connection: "close" };
  const answer = await fetch(it.url, { method: "POST", body: "{}", headers });
  expect(await answer.text()).toBe("keep-alive");
});

test("the runtime hears the client's address from us alone", async () => {
  await using it = await world((asked, answer) => {
    answer.end(
      JSON.stringify([asked.headers["cf-connecting-ip"], asked.headers["x-forwarded-proto"]]),
    );
  });
  const headers = { "CF-Connecting-IP": "1.1.1.1", "X-Forwarded-Proto": "https" };
  const answer = await fetch(it.url, { headers });
  expect(await answer.json()).toEqual(["127.0.0.1", "http"]);
});

test("a proxy that is not believed is reported once", async () => {
  const reported: string[] = [];
  await using it = await world((_asked, answer) => answer.end(), {
    onUntrustedProxy: (address) => reported.push(address),
  });
  const headers = { "X-Forwarded-For": "1.1.1.1" };
  for (let index = 0; index < 3; index += 1) await (await fetch(it.url, { headers })).text();
  expect(reported).toEqual(["127.0.0.1"]);
});

test("an answer comes as it is written, not when it is whole", async () => {
  const go = Promise.withResolvers<void>();
  await using it = await world((_asked, answer) => {
    answer.write("first");
    void go.promise.then(() => answer.end("last"));
  });
  const { body } = await fetch(it.url);
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  expect(await reader?.read()).toMatchObject({ value: "first" });
  go.resolve();
  expect(await reader?.read()).toMatchObject({ value: "last" });
});

test("a client that leaves is gone for the runtime as well", async () => {
  const gone = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  await using it = await world((asked) => {
    asked.socket.once("close", gone.resolve);
    begun.resolve();
  });
  const asked = request(it.url);
  asked.on("error", () => {});
  asked.end();
  await begun.promise;
  asked.destroy();
  await gone.promise;
});

test("an answer that breaks off does not look whole", async () => {
  await using it = await world((_asked, answer) => {
    answer.writeHead(200);
    answer.write("half", () => answer.destroy());
  });
  await expect(fetch(it.url).then((answer) => answer.text())).rejects.toThrow();
});

test("a refusal reaches a client that is still sending", async () => {
  await using it = await world((_asked, answer) => {
    answer.writeHead(413).end("too large");
  });
  const asked = request(it.url, { method: "POST", headers: { "Content-Length": "1000000" } });
  asked.on("error", () => {});
  asked.write("a beginning");
  const [answer] = await once(asked, "response");
  expect(answer.statusCode).toBe(413);
  expect(await text(answer)).toBe("too large");
  asked.destroy();
});

test("while the runtime is away the answer says that it may be asked again", async () => {
  await using it = await world(() => {});
  it.runtime.close();
  await once(it.runtime, "close");
  const answer = await fetch(`${it.url}/v1/models`, {
    headers: { "X-Request-Id": "my-request-1" },
  });
  expect(answer.status).toBe(503);
  expect(answer.headers.get("Retry-After")).toBe("1");
  expect(await answer.json()).toMatchObject({
    hop: "edge",
    retrySafe: true,
    requestId: "my-request-1",
    error: { type: "api_error" },
  });
});

test("a runtime that is lost on the way makes no promise", async () => {
  await using it = await world((asked) => asked.socket.destroy());
  const answer = await fetch(it.url, { method: "POST", body: "{}" });
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({ code: "core_lost", retrySafe: false });
});

test("WebSockets pass both ways, with protocol, close code and reason", async () => {
  await using it = await world(() => {});
  const sockets = new WebSocketServer({ server: it.runtime });
  sockets.on("connection", (socket, asked) => {
    socket.send(String(asked.headers["cf-connecting-ip"]));
    socket.on("message", (data, binary) => socket.send(data, { binary }));
    socket.on("close", (code, reason) => closed.resolve([code, reason.toString()]));
  });
  const closed = Promise.withResolvers<[number, string]>();
  const client = new WebSocket(it.url.replace("http", "ws"), ["chat"]);
  const [hello] = await once(client, "message");
  expect(String(hello)).toBe("127.0.0.1");
  expect(client.protocol).toBe("chat");
  const bytes = Buffer.alloc(1_000_000, 7);
  client.send(bytes);
  const [echo] = await once(client, "message");
  expect(Buffer.compare(echo, bytes)).toBe(0);
  client.close(4321, "enough");
  expect(await closed.promise).toEqual([4321, "enough"]);
});

test("a WebSocket that the runtime refuses gets its answer", async () => {
  await using it = await world(() => {});
  it.runtime.on("upgrade", (_asked: IncomingMessage, socket: Socket) => {
    socket.end("HTTP/1.1 401 Unauthorized\r\nX-Why: token\r\nContent-Length: 2\r\n\r\nno");
  });
  const client = new WebSocket(it.url.replace("http", "ws"));
  client.on("error", () => {});
  const [, answer] = await once(client, "unexpected-response");
  expect(answer.statusCode).toBe(401);
  expect(answer.headers["x-why"]).toBe("token");
  expect(await text(answer)).toBe("no");
});

test.each([
  ["an absolute target", "GET http://other.test/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"],
  ["no HTTP at all", "hello\r\n\r\n", "400"],
  [
    "two lengths",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "400",
  ],
  [
    "a length and chunks",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "400",
  ],
  [
    "an upgrade to something else",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "200",
  ],
])("%s is answered, and does not reach the runtime twice", async (_name, bytes, status) => {
  let asked = 0;
  await using it = await world((_request, answer) => {
    asked += 1;
    answer.end();
  });
  const client = connect({ port: it.front.port, host: "127.0.0.1" });
  client.write(bytes);
  const [data] = await once(client, "data");
  expect(String(data).slice(9, 12)).toBe(status);
  expect(asked).toBe(status === "200" ? 1 : 0);
  client.destroy();
});

test("draining takes nothing new and waits for the answers, but not for ever", async () => {
  const begun = Promise.withResolvers<() => void>();
  await using it = await world((_asked, answer) => begun.resolve(() => answer.end("done")));
  const answer = fetch(it.url);
  const finish = await begun.promise;
  await it.front.drain(1);
  await expect(fetch(it.url)).rejects.toThrow();
  const drained = it.front.drain(60_000);
  finish();
  await drained;
  expect(await (await answer).text()).toBe("done");
});

/** A client whose WebSocket the runtime has accepted, and the runtime's end of it. */
async function joined(it: Awaited<ReturnType<typeof world>>) {
  const sockets = new WebSocketServer({ server: it.runtime });
  const accepted = once(sockets, "connection");
  const client = new WebSocket(it.url.replace("http", "ws"));
  const [[theirs], asked] = await Promise.all([accepted, once(it.runtime, "upgrade")]);
  await once(client, "open");
  const wire: Socket = asked[1];
  return { client, theirs, wire };
}

test("when the edge ends, WebSockets are told to come back, and the runtime that they have gone", async () => {
  await using it = await world(() => {});
  const { client, theirs } = await joined(it);
  const [[code, reason], [echoed]] = await Promise.all([
    once(client, "close"),
    once(theirs, "close"),
    it.front.drain(60_000),
  ]);
  expect([code, String(reason), echoed]).toEqual([1012, "the edge restarts", 1012]);
});

test("when the runtime is lost, WebSockets are told to come back", async () => {
  await using it = await world(() => {});
  const { client, wire } = await joined(it);
  wire.destroy();
  const [code] = await once(client, "close");
  expect(code).toBe(1012);
});

test("in the middle of a message there is no goodbye, which would become a part of it", async () => {
  await using it = await world(() => {});
  const { client, wire } = await joined(it);
  let messages = 0;
  client.on("message", () => {
    messages += 1;
  });
  // Four bytes of a message of a hundred; a whole one before it shows that they have been read.
  wire.write(Buffer.from([0x81, 1, 0x61, 0x81, 100, 1, 2, 3, 4]));
  await once(client, "message");
  wire.destroy();
  const [code] = await once(client, "close");
  expect([code, messages]).toEqual([1006, 1]);
});
