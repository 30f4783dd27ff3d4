import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { Watch } from "./watch.ts";

const PATIENT = { firstByteMs: 30_000, idleMs: 30_000 };

afterEach(() => void vi.useRealTimers());

async function serve(answer: (response: ServerResponse, path: string | undefined) => void) {
  const sockets = new Set<unknown>();
  const server = createServer((request, response) => {
    sockets.add(request.socket);
    answer(response, request.url);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}/`,
    sockets,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function never(): AbortSignal {
  return new AbortController().signal;
}

test("an answer that never ends is ended", async () => {
  const chunk = Buffer.alloc(1024 * 1024, ":");
  await using server = await serve((response) => {
    const pour = () => {
      while (response.write(chunk));
    };
    response.on("drain", pour);
    pour();
  });
  using watch = new Watch(never(), PATIENT);
  const response = await watch.fetch(server.url, { signal: watch.signal });
  await expect(response.arrayBuffer()).rejects.toThrow();
  expect(watch.fault).toEqual({ kind: "too_large" });
});

test("a refusal is read no further than it can matter", async () => {
  await using server = await serve((response) => {
    response.writeHead(500).end("x".repeat(1_000_000));
  });
  using watch = new Watch(never(), PATIENT);
  const response = await watch.fetch(server.url, { signal: watch.signal });
  expect((await response.text()).length).toBeLessThanOrEqual(64 * 1024);
  expect(watch.fault).toBeUndefined();
});

test("a redirect is not followed", async () => {
  await using server = await serve((response) => {
    response.writeHead(307, { Location: "http://127.0.0.1:9/" }).end();
  });
  using watch = new Watch(never(), PATIENT);
  expect((await watch.fetch(server.url, { signal: watch.signal })).status).toBe(307);
});

test.each([
  ["in one piece", ["data: x\n\ndata: [DONE]\n\n"]],
  ["in single bytes", "data: x\n\ndata: [DONE]\n\n".split("")],
  ["behind a long line", [`data: ${"x".repeat(10_000)}\n\ndata:[DONE]\n\n`]],
])("the end mark is seen %s", async (_name, pieces) => {
  await using server = await serve((response) => {
    for (const piece of pieces) response.write(piece);
    response.end();
  });
  using watch = new Watch(never(), PATIENT, /[\r\n]data: ?\[DONE\]/);
  await (await watch.fetch(server.url, { signal: watch.signal })).text();
  expect(watch.marked).toBe(true);
});

test("a body that ends after its mark leaves the connection for the next request", async () => {
  const rounds = 6;
  let open: ServerResponse | undefined;
  await using server = await serve((response, path) => {
    if (path === "/plain") response.end("x");
    else (open = response).write("\ndata: [DONE]\n\n");
  });
  for (let round = 0; round < rounds; round += 1) {
    using watch = new Watch(never(), PATIENT, /[\r\n]data: ?\[DONE\]/);
    const { body } = await watch.fetch(server.url, { signal: watch.signal });
    const reader = body?.getReader();
    await reader?.read();
    await reader?.cancel();
    open?.end();
    // A round trip, so that the end of the body is there before the next request looks for a connection.
    await (await fetch(`${server.url}plain`)).text();
  }
  expect(server.sockets.size).toBeLessThan(rounds);
});

test("silence counts only while somebody listens", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const asked = Promise.withResolvers<ServerResponse>();
  await using server = await serve((response) => {
    response.write("one");
    asked.resolve(response);
  });
  using watch = new Watch(never(), { firstByteMs: 1_000, idleMs: 1_000 });
  const { body } = await watch.fetch(server.url, { signal: watch.signal });
  const reader = body?.getReader();
  await reader?.read();
  vi.advanceTimersByTime(60_000);
  expect(watch.fault).toBeUndefined();

  const second = reader?.read();
  (await asked.promise).write("two");
  expect((await second)?.done).toBe(false);

  const third = reader?.read();
  await turnOfTheLoop();
  vi.advanceTimersByTime(999);
  expect(watch.fault).toBeUndefined();
  vi.advanceTimersByTime(1);
  await expect(third).rejects.toThrow();
  expect(watch.fault).toEqual({ kind: "silent", afterMs: 1_000 });
});

test("the caller's signal is let go of", async () => {
  await using server = await serve((response) => response.end("x"));
  const abort = new AbortController();
  const watch = new Watch(abort.signal, PATIENT);
  await (await watch.fetch(server.url, { signal: watch.signal })).text();
  watch[Symbol.dispose]();
  abort.abort();
  expect(watch.fault).toBeUndefined();
});
