import { EventEmitter, once } from "node:events";
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createRawServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Secret } from "../../shared/secret.ts";
import { type ConnectedUpstream, startUpstream } from "../support/connector.ts";
import { listening } from "../support/http-upstream.ts";

let http: Awaited<ReturnType<typeof listening>>;
let site: ConnectedUpstream;
/** What the upstream saw and was told. */
const upstream = new EventEmitter();

const ROUTES: Readonly<
  Record<string, (request: IncomingMessage, response: ServerResponse) => void>
> = {
  "/events": (_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write("data: 0\n\n");
    upstream.on("event", (text: string) => response.write(text));
    upstream.once("end", () => response.end());
    response.on("close", () => upstream.emit("events closed"));
  },
  "/echo": (request, response) => void request.pipe(response),
  "/silent": (_request, response) => {
    response.on("close", () => upstream.emit("silent closed"));
    upstream.emit("silent asked");
  },
  "/cut": (_request, response) => {
    response.writeHead(200, { "Content-Length": 100 });
    response.write("half");
    upstream.once("cut", () => response.destroy());
  },
  "/hang-up": (request) => request.socket.destroy(),
  "/seen": (request, response) => response.end(JSON.stringify(request.headers)),
};

beforeAll(async () => {
  http = await listening(
    createServer((request, response) => {
      const route = ROUTES[request.url ?? ""];
      if (route === undefined) response.writeHead(404).end();
      else route(request, response);
    }),
  );
  site = await startUpstream({
    url: http.url,
    settings: { token: new Secret("of-upstream"), trustForwarded: true, preserveHost: true },
  });
});

afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await http[Symbol.asyncDispose]();
});

/** The local runtime packs what clients accept packed, and then holds pieces back. */
const PLAIN = { "Accept-Encoding": "identity" };

function textOf(value: Uint8Array | undefined): string {
  return new TextDecoder().decode(value);
}

test("events come one by one while more are to follow, and a client that leaves is noticed", async () => {
  const response = await site.call("/events");
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const reader = response.body?.getReader();
  expect(textOf((await reader?.read())?.value)).toBe("data: 0\n\n");
  for (const event of ["data: 1\n\n", "event: a\ndata: 2\ndata: 3\n\n"]) {
    upstream.emit("event", event);
    expect(textOf((await reader?.read())?.value)).toBe(event);
  }
  const closed = once(upstream, "events closed");
  await reader?.cancel();
  await closed;
});

test("an upload and its answer flow at the same time", async () => {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
  });
  controller?.enqueue(new TextEncoder().encode("first"));
  const response = await site.call("/echo", {
    method: "POST",
    body,
    duplex: "half",
    headers: PLAIN,
  });
  const reader = response.body?.getReader();
  expect(textOf((await reader?.read())?.value)).toBe("first");
  controller?.enqueue(new TextEncoder().encode("second"));
  expect(textOf((await reader?.read())?.value)).toBe("second");
  controller?.close();
  expect((await reader?.read())?.done).toBe(true);
});

test("an upstream that does not answer is left in peace when the client leaves", async () => {
  const leave = new AbortController();
  const asked = once(upstream, "silent asked");
  const answer = site.call("/silent", { signal: leave.signal });
  await asked;
  const closed = once(upstream, "silent closed");
  leave.abort();
  await expect(answer).rejects.toThrow();
  await closed;
});

test("an answer cut short is cut short for the client as well", async () => {
  const response = await site.call("/cut", { headers: PLAIN });
  const reader = response.body?.getReader();
  expect(textOf((await reader?.read())?.value)).toBe("half");
  upstream.emit("cut");
  await expect(reader?.read()).rejects.toThrow();
});

test("an upstream that hangs up is the app's fault", async () => {
  const response = await site.call("/hang-up");
  expect(response.status).toBe(502);
  expect(await response.json()).toMatchObject({ code: "core_lost", hop: "app" });
});

test("an upstream that is asked to trust learns who asks, by which name, with which token", async () => {
  const headers = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" };
  const response = await site.call("/seen", { headers });
  const seen = await response.json();
  expect(seen).toMatchObject({
    host: site.edge.url.host,
    authorization: "Bearer of-upstream",
    "x-forwarded-host": site.edge.url.host,
    "x-forwarded-proto": "http",
    "x-request-id": response.headers.get("x-request-id"),
    traceparent: expect.stringContaining("4bf92f3577b34da6a3ce929d0e0e4736"),
  });
});

test("no method of any name does harm", async () => {
  for (const method of ["OPTIONS", "PROPFIND", "MKCOL", "PATCH"]) {
    expect((await site.call("/seen", { method })).status).toBe(200);
  }
  const trace = ask(new URL("/seen", site.edge.url), {
    method: "TRACE",
    headers: { Authorization: `Bearer ${site.token}` },
  }).end();
  const [answer]: IncomingMessage[] = await once(trace, "response");
  expect(answer?.statusCode).toBeGreaterThanOrEqual(400);
  expect((await site.call("/seen")).status).toBe(200);
});

test.each([
  ["is not there", undefined, 503, "core_offline"],
  ["speaks another language", "SSH-2.0-OpenSSH_9.2\r\n", 502, "bad_response"],
])("an upstream that %s is named as the culprit", async (_name, greeting, status, code) => {
  const server = createRawServer((socket) => {
    socket.on("error", () => undefined);
    if (greeting === undefined) socket.destroy();
    else socket.end(greeting);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  if (greeting === undefined) server.close();
  await using broken = await startUpstream({ url: new URL(`http://127.0.0.1:${port}`) });
  const response = await broken.call("/v1/models");
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({
    code,
    hop: "app",
    error: { message: expect.any(String) },
  });
  const socketUrl = new URL("/", broken.edge.url);
  socketUrl.protocol = "ws:";
  const socket = new WebSocket(socketUrl, { headers: { Authorization: `Bearer ${broken.token}` } });
  const [, refusal] = await once(socket, "unexpected-response");
  expect(refusal.statusCode).toBe(status);
  server.close();
});
