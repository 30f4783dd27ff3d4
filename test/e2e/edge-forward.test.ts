import { request as httpRequest } from "node:http";
import { once } from "node:events";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LIMITS } from "../../shared/limits.ts";
import { type EdgeWithCore, startEdgeWithCore } from "../support/edge-with-core.ts";
import { type TunnelCoreOptions, TOKENS } from "../support/tunnel-core.ts";

type CoreFetch = NonNullable<TunnelCoreOptions["fetch"]>;

/** What the core does with a path; each test sets its own. */
const paths = new Map<string, CoreFetch>();
let world: EdgeWithCore;

beforeAll(async () => {
  world = await startEdgeWithCore({
    fetch: (request, caller) => {
      const answer = paths.get(new URL(request.url).pathname);
      return answer?.(request, caller) ?? Promise.resolve(new Response("?", { status: 404 }));
    },
  });
});
afterAll(() => world[Symbol.asyncDispose]());

const token = TOKENS.operator;

test("the core sees the request as it was sent, without the credential and what was forged", async () => {
  paths.set("/echo", async (request, caller) =>
    Response.json({
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
      caller,
    }),
  );
  const response = await world.call("/echo?q=1&x=%20%2F", {
    method: "PUT",
    token,
    headers: {
      "Content-Type": "text/plain",
      "X-Own": "kept",
      "X-Request-Id": "request-17",
      "X-Gw-Internal-Call": '{"v":1,"kind":"state"}',
      "X-Forwarded-For": "10.0.0.1",
      Forwarded: "for=10.0.0.1",
    },
    body: "héllo",
  });
  const seen = await response.json();
  expect(seen).toMatchObject({
    method: "PUT",
    url: `${world.edge.url.origin}/echo?q=1&x=%20%2F`,
    body: "héllo",
    headers: { "content-type": "text/plain", "x-own": "kept", via: "1.1 sallyport" },
    caller: {
      principal: { subject: "owner", scopes: ["operator"] },
      requestId: "request-17",
      ip: "127.0.0.1",
      via: "edge",
    },
  });
  for (const name of ["authorization", "x-gw-internal-call", "x-forwarded-for", "forwarded"]) {
    expect(seen).not.toHaveProperty(["headers", name]);
  }
});

test.each([
  ["a redirect is not followed", new Response(null, { status: 302, headers: { Location: "/x" } })],
  ["an answer without a body stays without", new Response(null, { status: 204 })],
  ["an error of the core is passed on", Response.json({ error: "teapot" }, { status: 418 })],
])("%s", async (_name, answer) => {
  paths.set("/answer", () => Promise.resolve(answer.clone()));
  const response = await world.call("/answer", { token });
  expect(response.status).toBe(answer.status);
  expect(response.headers.get("Location")).toBe(answer.headers.get("Location"));
  expect(await response.text()).toBe(await answer.text());
});

test("cookies stay apart, and nothing internal leaves the edge", async () => {
  paths.set("/cookies", () => {
    const headers = new Headers({ "X-Gw-Internal-Bundle": "999", "X-Own": "1" });
    headers.append("Set-Cookie", "a=1; Path=/");
    headers.append("Set-Cookie", "b=2, c");
    return Promise.resolve(new Response("ok", { headers }));
  });
  const response = await world.call("/cookies", { token });
  expect(response.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2, c"]);
  expect([...response.headers.keys()].filter((name) => name.startsWith("x-gw-"))).toEqual([]);
  expect(response.headers.get("X-Own")).toBe("1");
});

/** A request whose answer nobody decodes. */
async function raw(path: string): Promise<{ encoding: string | undefined; bytes: Buffer }> {
  const request = httpRequest(new URL(path, world.edge.url), {
    headers: { Authorization: `Bearer ${token}`, "Accept-Encoding": "gzip" },
  });
  request.end();
  const [response] = await once(request, "response");
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(Buffer.from(part));
  return { encoding: response.headers["content-encoding"], bytes: Buffer.concat(parts) };
}

test("a body the core has compressed is not compressed again", async () => {
  const text = "hello ".repeat(1_000);
  paths.set("/zipped", () =>
    Promise.resolve(
      new Response(gzipSync(text), {
        headers: { "Content-Encoding": "gzip", "Content-Type": "text/plain" },
      }),
    ),
  );
  const { encoding, bytes } = await raw("/zipped");
  expect(encoding).toBe("gzip");
  expect(gunzipSync(bytes).toString()).toBe(text);
});

test("every byte value comes through, up and down", async () => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31) % 256);
  paths.set("/bytes", async (request) => new Response(await request.bytes()));
  const response = await world.call("/bytes", { method: "POST", token, body: bytes });
  expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), bytes)).toBe(0);
});

test("events arrive one by one, not when the last is sent", async () => {
  const source = new TransformStream<Uint8Array, Uint8Array>();
  const writer = source.writable.getWriter();
  paths.set("/events", () =>
    Promise.resolve(
      new Response(source.readable, { headers: { "Content-Type": "text/event-stream" } }),
    ),
  );
  const response = await world.call("/events", { token });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (const event of ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]) {
    await writer.write(new TextEncoder().encode(event));
    expect((await reader?.read())?.value).toBe(event);
  }
  await writer.close();
  expect((await reader?.read())?.done).toBe(true);
});

test("a client that leaves while it waits ends the work in the core", async () => {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  paths.set("/slow", (request) => {
    request.signal.addEventListener("abort", () => ended.resolve(), { once: true });
    begun.resolve();
    return new Promise<Response>(() => {});
  });
  const leaving = new AbortController();
  const answer = world.call("/slow", { token, signal: leaving.signal });
  await begun.promise;
  leaving.abort();
  await expect(answer).rejects.toThrow();
  await ended.promise;
});

test("a client that leaves in the middle of an answer ends the work in the core", async () => {
  const ended = Promise.withResolvers<void>();
  paths.set("/endless", (request) => {
    request.signal.addEventListener("abort", () => ended.resolve(), { once: true });
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
    });
    const headers = { "Content-Type": "text/event-stream" };
    return Promise.resolve(new Response(body, { headers }));
  });
  const leaving = new AbortController();
  const response = await world.call("/endless", { token, signal: leaving.signal });
  const reader = response.body?.getReader();
  await reader?.read();
  leaving.abort();
  await expect(reader?.read()).rejects.toThrow();
  await ended.promise;
});

/** A body whose length is not known before it ends. */
function chunked(megabytes: number): RequestInit {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1;
      if (sent > megabytes) controller.close();
      else controller.enqueue(new Uint8Array(1024 * 1024));
    },
  });
  return { method: "POST", body, duplex: "half" };
}

test("an upload without a length is cut off at the limit", async () => {
  paths.set("/upload", async (request) => new Response(String((await request.bytes()).length)));
  const short = await world.call("/upload", { token, ...chunked(3) });
  expect(await short.text()).toBe(String(3 * 1024 * 1024));
  const limit = LIMITS.maxRequestBodyBytes / 1024 / 1024;
  const long = await world.call("/upload", { token, ...chunked(limit + 1) });
  expect(long.status).toBe(413);
  expect(await long.json()).toMatchObject({ code: "too_large" });
});

test("many requests at once each get their own answer", async () => {
  paths.set("/own", async (request) => new Response(await request.text()));
  const bodies = Array.from({ length: 100 }, (_, index) => `${index}:`.repeat(1 + index * 20));
  const answers = await Promise.all(
    bodies.map(async (body) => (await world.call("/own", { method: "POST", token, body })).text()),
  );
  expect(answers).toEqual(bodies);
});
