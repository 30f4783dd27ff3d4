import { EventEmitter, once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createRawServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { type Asker, UpstreamHttp } from "./http.ts";

const CALLER: Asker = { ip: "203.0.113.7", requestId: "request-1" };

async function listen(server: ReturnType<typeof createRawServer>): Promise<URL> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return new URL(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
}

/** An upstream of our choosing, and what asks it. */
async function world(server: ReturnType<typeof createRawServer>) {
  const parts = new AsyncDisposableStack();
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  const url = await listen(server);
  parts.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const settings = { url, token: undefined, preserveHost: false, trustForwarded: false };
  const http = parts.use(new UpstreamHttp(settings));
  return {
    sockets,
    ask: (path: string, init: RequestInit = {}, caller = CALLER) =>
      http.fetch(new Request(new URL(path, "https://edge.example"), init), caller),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

const serving = (listener: RequestListener) => world(createServer(listener));
/** Answers whatever is asked with these bytes. */
const speaking = (text: string, end = true) =>
  world(
    createRawServer((socket) => {
      socket.once("data", () => (end ? socket.end(text, "latin1") : socket.write(text, "latin1")));
      socket.on("error", () => undefined);
    }),
  );

test("an answer keeps its status, each of its headers and every byte", async () => {
  const body = Buffer.from(Array.from({ length: 256 }, (_v, index) => index));
  await using upstream = await serving((_request, response) => {
    response.writeHead(207, [
      "Set-Cookie",
      "a=1; Path=/",
      "Set-Cookie",
      "b=2",
      "Content-Encoding",
      "gzip",
      "Location",
      "http://inside:80/x",
      "Warning",
      "one",
      "Warning",
      "two",
    ]);
    response.end(body);
  });
  const response = await upstream.ask("/a%20b/?q=%C3%A9&q=2");
  expect(response.status).toBe(207);
  expect(response.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2"]);
  expect(response.headers.get("warning")).toBe("one, two");
  expect(response.headers.get("location")).toBe("http://inside:80/x");
  expect(response.headers.get("content-encoding")).toBe("gzip");
  expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
});

test("a request keeps its path, its method and its body, whatever the method", async () => {
  const seen: { method?: string; url?: string; body: string; chunked: boolean }[] = [];
  await using upstream = await serving((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      seen.push({ method, url, body, chunked: headers["transfer-encoding"] === "chunked" });
      response.end();
    });
  });
  const path = "/a%2Fb//c?x=%2F&y";
  await upstream.ask(path, { method: "DELETE", body: "gone" });
  await upstream.ask(path, { method: "PROPFIND" });
  await upstream.ask(path, { method: "PUT", body: "1234", headers: { "content-length": "4" } });
  expect(seen).toEqual([
    { method: "DELETE", url: path, body: "gone", chunked: true },
    { method: "PROPFIND", url: path, body: "", chunked: false },
    { method: "PUT", url: path, body: "1234", chunked: false },
  ]);
});

test.each([
  ["HEAD", 200, { "content-length": "1000" }],
  ["GET", 204, {}],
  ["GET", 304, {}],
])("%s answered with %i has no body, and the connection is kept", async (method, status, more) => {
  await using upstream = await serving((_request, response) => {
    response.writeHead(status, { etag: '"1"', ...more });
    response.end();
  });
  const first = await upstream.ask("/", { method });
  expect([first.status, first.body, first.headers.get("etag")]).toEqual([status, null, '"1"']);
  await new Promise((resolve) => setImmediate(resolve));
  expect((await upstream.ask("/", { method })).status).toBe(status);
  expect(upstream.sockets.size).toBe(1);
});

test("interim answers are passed over", async () => {
  const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  await using upstream = await speaking(`${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
  expect(await (await upstream.ask("/")).text()).toBe("ok");
});

test.each([
  ["says no HTTP", "hello\r\n\r\n", "bad_response"],
  ["says a status of its own", "HTTP/1.1 999 Huh\r\nContent-Length: 0\r\n\r\n", "bad_response"],
  ["has endless headers", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(130_000)}\r\n\r\n`, "bad_response"],
  ["hangs up", "", "core_lost"],
  ["hangs up within the head", "HTTP/1.1 200 OK\r\nX: 1", "core_lost"],
])("an upstream that %s is refused by name", async (_name, text, code) => {
  await using upstream = await speaking(text);
  await expect(upstream.ask("/")).rejects.toMatchObject({ code });
});

test("an upstream that is not there was asked nothing", async () => {
  const url = await (async () => {
    const server = createRawServer();
    const free = await listen(server);
    server.close();
    await once(server, "close");
    return free;
  })();
  using http = new UpstreamHttp({
    url,
    token: undefined,
    preserveHost: false,
    trustForwarded: false,
  });
  const asked = http.fetch(new Request("https://edge.example/"), CALLER);
  await expect(asked).rejects.toMatchObject({ code: "core_offline" });
});

test("an answer that does not begin in time is given up", async () => {
  await using upstream = await speaking("", false);
  const asked = upstream.ask("/", {}, { ...CALLER, deadlineMs: 20 });
  await expect(asked).rejects.toMatchObject({ code: "core_timeout" });
});

test("an answer that is cut short is an error, not a shorter answer", async () => {
  await using upstream = await speaking("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  const response = await upstream.ask("/");
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
});

test("a kept connection that the upstream has closed costs a GET nothing", async () => {
  let asked = 0;
  await using upstream = await world(
    createRawServer((socket) => {
      socket.on("error", () => undefined);
      let served = false;
      socket.on("data", () => {
        asked += 1;
        // Closed without a word: what comes on it again finds nobody.
        if (served) socket.resetAndDestroy();
        else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        served = true;
      });
    }),
  );
  expect(await (await upstream.ask("/")).text()).toBe("ok");
  await new Promise((resolve) => setImmediate(resolve));
  expect(await (await upstream.ask("/")).text()).toBe("ok");
  expect([asked, upstream.sockets.size]).toEqual([3, 2]);
});

test("a client who leaves takes the upstream's work along, before and within the answer", async () => {
  const gone = new EventEmitter();
  await using upstream = await serving((request, response) => {
    request.on("error", () => undefined);
    request.on("close", () => gone.emit(request.url ?? ""));
    if (request.url === "/silent") gone.emit("arrived");
    else response.write("first");
  });
  const leave = new AbortController();
  const arrived = once(gone, "arrived");
  const asked = upstream.ask("/silent", { signal: leave.signal });
  await arrived;
  const closed = once(gone, "/silent");
  leave.abort();
  await expect(asked).rejects.toMatchObject({ code: "canceled" });
  await closed;

  const response = await upstream.ask("/endless");
  const over = once(gone, "/endless");
  await response.body?.cancel();
  await over;
});

test("an answer before the end of the upload is passed on, and ends the upload", async () => {
  const cut = Promise.withResolvers<void>();
  await using upstream = await world(
    createRawServer((socket) => {
      // Reads on for ever: whoever ends this, it is not the upstream.
      socket.once("data", () =>
        socket.write("HTTP/1.1 413 No\r\nContent-Length: 8\r\n\r\ntoo much"),
      );
      socket.on("data", () => undefined);
      socket.on("error", () => undefined);
      socket.once("close", () => cut.resolve());
    }),
  );
  const canceled = Promise.withResolvers<unknown>();
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(16_384)),
    cancel: (reason) => canceled.resolve(reason),
  });
  const response = await upstream.ask("/", { method: "POST", body, duplex: "half" });
  expect([response.status, await response.text()]).toEqual([413, "too much"]);
  await canceled.promise;
  await cut.promise;
});

test("an upload that breaks off does not look like one that has ended", async () => {
  const outcome = Promise.withResolvers<string>();
  const arrived = Promise.withResolvers<void>();
  await using upstream = await serving((request) => {
    request.once("data", () => arrived.resolve());
    request.once("end", () => outcome.resolve("ended"));
    request.once("error", () => outcome.resolve("broken off"));
  });
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(new Uint8Array(10));
      await arrived.promise;
      controller.error(new Error("client left"));
    },
  });
  const asked = upstream.ask("/", { method: "POST", body, duplex: "half" });
  await expect(asked).rejects.toMatchObject({ code: "canceled" });
  expect(await outcome.promise).toBe("broken off");
});

test("a slow reader slows the upstream down", async () => {
  const drained: boolean[] = [];
  await using upstream = await serving((_request, response) => {
    const chunk = Buffer.alloc(1024 * 1024);
    let sent = 0;
    const more = (): void => {
      while (sent < 64) {
        sent += 1;
        if (!response.write(chunk)) {
          drained.push(false);
          response.once("drain", more);
          return;
        }
      }
      response.end();
    };
    more();
  });
  const response = await upstream.ask("/");
  const reader = response.body?.getReader();
  await reader?.read();
  expect(drained.length).toBeLessThan(32);
  let bytes = 0;
  for (let more = await reader?.read(); more?.done === false; more = await reader?.read()) {
    bytes += more.value.byteLength;
  }
  expect(bytes).toBeGreaterThan(63 * 1024 * 1024);
});
