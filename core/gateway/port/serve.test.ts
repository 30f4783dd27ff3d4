import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import pino from "pino";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { GatewayError } from "../../../shared/errors.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { type LocalHandlers, type LocalServer, serve } from "./serve.ts";

const MAX_BODY = 100_000;
const silent = pino({ level: "silent" });

function start(fetch: LocalHandlers["fetch"], port = 0): Promise<LocalServer> {
  return serve(
    { port, host: "127.0.0.1", allowedHosts: new Set(), maxRequestBodyBytes: MAX_BODY },
    {
      fetch,
      upgrade: () => (socket) => {
        socket.listen({ onMessage: (message) => socket.send(message), onClose: () => undefined });
      },
    },
    silent,
  );
}

const hello: LocalHandlers["fetch"] = () => new Response("hello");
/** Answers with what was sent. Errors become what the app would make of them. */
const echo: LocalHandlers["fetch"] = async (request) => {
  try {
    return new Response(await request.text(), { headers: { "X-Method": request.method } });
  } catch (error) {
    const code = error instanceof GatewayError ? error.code : "internal";
    return new Response(code, { status: 413 });
  }
};

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("first");
  yield Buffer.from("second");
  throw new Error("the source broke");
}

/** Everything a server says to these bytes, until it closes or the answer is whole. */
async function raw(server: LocalServer, text: string): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  socket.write(text);
  let answer = "";
  for await (const part of socket) {
    answer += String(part);
    if (/\r\n\r\n/.test(answer)) break;
  }
  return answer;
}

test("a request becomes a Request and the Response an answer with its length", async () => {
  await using server = await start((request, peer) => {
    const { pathname, searchParams } = new URL(request.url);
    return Response.json(
      { pathname, q: searchParams.get("q"), accept: request.headers.get("accept"), ip: peer.ip },
      { status: 201, headers: { "X-Own": "yes" } },
    );
  });
  const response = await fetch(`${server.url}/a/b?q=1`, { headers: { Accept: "text/x" } });
  expect(response.status).toBe(201);
  expect(response.headers.get("X-Own")).toBe("yes");
  expect(response.headers.get("Content-Length")).not.toBeNull();
  expect(await response.json()).toEqual({
    pathname: "/a/b",
    q: "1",
    accept: "text/x",
    ip: "127.0.0.1",
  });
});

test.each(["text", "json", "bytes", "arrayBuffer", "stream"])(
  "a body is read as %s",
  async (how) => {
    await using server = await start(async (request) => {
      if (how === "json") return Response.json(await request.json());
      if (how === "bytes") return new Response(await request.bytes());
      if (how === "arrayBuffer") return new Response(await request.arrayBuffer());
      return new Response(how === "text" ? await request.text() : request.body);
    });
    const body = JSON.stringify({ text: "ä".repeat(30_000) });
    const response = await fetch(server.url, { method: "POST", body });
    expect(await response.text()).toBe(body);
  },
);

test("the chunks of a streamed answer arrive as they are made", async () => {
  const gate = Promise.withResolvers<void>();
  async function* words(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("first");
    await gate.promise;
    yield Buffer.from("second");
  }
  await using server = await start(() => new Response(ReadableStream.from(words())));
  const response = await fetch(server.url);
  const reader = response.body?.getReader();
  expect(String(Buffer.from((await reader?.read())?.value ?? []))).toBe("first");
  gate.resolve();
  expect(String(Buffer.from((await reader?.read())?.value ?? []))).toBe("second");
  expect((await reader?.read())?.done).toBe(true);
});

test("the head of an answer that is slow to begin goes out at once", async () => {
  const gate = Promise.withResolvers<void>();
  async function* late(): AsyncGenerator<Uint8Array> {
    await gate.promise;
    yield Buffer.from("late");
  }
  await using server = await start(() => new Response(ReadableStream.from(late())));
  const response = await fetch(server.url);
  expect(response.status).toBe(200);
  gate.resolve();
  expect(await response.text()).toBe("late");
});

test("a client that leaves aborts its request and ends the stream", async () => {
  const aborted = Promise.withResolvers<unknown>();
  const cancelled = Promise.withResolvers<void>();
  await using server = await start((request) => {
    request.signal.addEventListener("abort", () => aborted.resolve(request.signal.reason));
    return new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from("first")),
        cancel: () => cancelled.resolve(),
      }),
    );
  });
  const leave = new AbortController();
  const response = await fetch(server.url, { signal: leave.signal });
  await response.body?.getReader().read();
  leave.abort();
  expect(await aborted.promise).toMatchObject({ code: "canceled" });
  await cancelled.promise;
});

test("a client that does not read slows the source down", async () => {
  let made = 0;
  const piece = new Uint8Array(64 * 1024);
  await using server = await start((request) => {
    if (request.url.endsWith("/other")) return new Response("other");
    return new Response(
      new ReadableStream({
        pull(controller) {
          made += 1;
          if (made === 2_000) controller.close();
          else controller.enqueue(piece);
        },
      }),
    );
  });
  const outgoing = httpRequest(server.url).end();
  const [incoming] = await once(outgoing, "response");
  incoming.pause();
  // The source has stopped when a later request, and ten more, find it where it was.
  let before = -1;
  for (let calm = 0; calm < 10; calm = made === before ? calm + 1 : 0) {
    before = made;
    await fetch(`${server.url}/other`);
  }
  expect(made).toBeLessThan(1_900);
  outgoing.destroy();
});

test("a HEAD request gets the head alone, and the body's source is let go", async () => {
  const cancelled = Promise.withResolvers<void>();
  const body = { pull: () => undefined, cancel: () => cancelled.resolve() };
  await using server = await start(() => new Response(new ReadableStream(body)));
  const response = await fetch(server.url, { method: "HEAD" });
  expect(await response.text()).toBe("");
  await cancelled.promise;
});

test("an answer whose source breaks is cut, not ended", async () => {
  await using server = await start(() => new Response(ReadableStream.from(broken())));
  // Whether the head was out yet or not, the client must not take it for a whole answer.
  const whole = fetch(server.url).then((response) => response.text());
  await expect(whole).rejects.toThrow();
});

test.each([
  ["announced", "x".repeat(MAX_BODY + 1)],
  ["streamed", ReadableStream.from([Buffer.alloc(MAX_BODY), Buffer.alloc(1)])],
])(
  "a body that is too long is refused when %s, and the client gets to read why",
  async (_name, body) => {
    await using server = await start(echo);
    const response = await fetch(server.url, { method: "POST", body, duplex: "half" });
    expect(response.status).toBe(413);
    expect(await response.text()).toContain("too_large");
  },
);

test("a body of exactly the limit is read", async () => {
  await using server = await start(echo);
  const response = await fetch(server.url, { method: "POST", body: "x".repeat(MAX_BODY) });
  expect((await response.text()).length).toBe(MAX_BODY);
});

test.each<[string, string, number, string]>([
  [
    "headers beyond the parser",
    `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ${"a".repeat(60_000)}\r\n\r\n`,
    431,
    "headers_too_large",
  ],
  [
    "headers beyond the limit",
    `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ${"a".repeat(LIMITS.maxRequestHeaderBytes)}\r\n\r\n`,
    431,
    "headers_too_large",
  ],
  [
    "a URL that is too long",
    `GET /${"a".repeat(LIMITS.maxUrlBytes)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    414,
    "uri_too_long",
  ],
  ["no HTTP at all", "hello\r\n\r\n", 400, "invalid_request"],
  ["a rebound host", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "forbidden"],
  [
    "a proxy in front",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
    403,
    "proxy_attribution_required",
  ],
  [
    "a method that fetch forbids",
    "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    400,
    "invalid_request",
  ],
])("%s gets a problem document", async (_name, text, status, word) => {
  await using server = await start(hello);
  const answer = await raw(server, text);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer.toLowerCase()).toContain("content-type: application/problem+json");
  expect(answer).toContain(word);
});

test("an upgrade to something else is answered as an ordinary request", async () => {
  await using server = await start(hello);
  const answer = await raw(
    server,
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n",
  );
  expect(answer).toMatch(/^HTTP\/1.1 200 /);
});

test("a WebSocket is echoed, text as text and bytes as bytes", async () => {
  await using server = await start(hello);
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/any/path`);
  await once(socket, "open");
  socket.send("text");
  expect(await once(socket, "message")).toEqual([Buffer.from("text"), false]);
  socket.send(Buffer.from([1, 2]));
  expect(await once(socket, "message")).toEqual([Buffer.from([1, 2]), true]);
  socket.close();
});

test.each([
  ["of a foreign page", { origin: "https://evil.example" }, "/", 403],
  ["behind a proxy", { headers: { "X-Real-IP": "1.2.3.4" } }, "/", 403],
  ["with the token in the URL", {}, "/?token=secret", 400],
])("a WebSocket %s gets no 101", async (_name, options, path, status) => {
  await using server = await start(hello);
  const socket = new WebSocket(`${server.url.replace("http", "ws")}${path}`, options);
  const [, response] = await once(socket, "unexpected-response");
  expect(response.statusCode).toBe(status);
  socket.on("error", () => undefined);
  socket.terminate();
});

test("a port in use fails the start with a line that says what to do", async () => {
  await using server = await start(hello);
  await expect(start(hello, server.port)).rejects.toThrow(
    expect.objectContaining({
      code: "conflict",
      message: `port ${server.port} on 127.0.0.1 is in use: stop the other program, or choose another port with --port or OPENCLAW_GATEWAY_PORT`,
    }),
  );
});

test("a drain lets what is under way end, and turns new work away", async () => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  await using server = await start(async () => {
    begun.resolve();
    await gate.promise;
    return new Response("done");
  });
  const answer = fetch(server.url);
  await begun.promise;
  const drained = server.drain(60_000);
  await expect(fetch(server.url)).rejects.toThrow();
  gate.resolve();
  expect(await (await answer).text()).toBe("done");
  await drained;
});

test("a drain does not wait beyond its deadline", async () => {
  const begun = Promise.withResolvers<void>();
  await using server = await start(() => {
    begun.resolve();
    return new Promise(() => undefined);
  });
  const answer = fetch(server.url);
  await begun.promise;
  await server.drain(1);
  await server[Symbol.asyncDispose]();
  await expect(answer).rejects.toThrow();
});
