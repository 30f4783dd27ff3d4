import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { connectCore, type TunnelCore, TOKENS } from "../support/tunnel-core.ts";

const pairing = new Secret(randomToken());
let edge: RunningEdge;
let core: TunnelCore;
/** What the core does with a request; each test sets its own. */
let answer: (request: Request) => Promise<Response> | Response = () => new Response("unset");

beforeAll(async () => {
  edge = await startEdge({ bindings: { PAIRING_SECRET: pairing.reveal() } });
  core = await connectCore({ edge: edge.url, pairing, fetch: async (request) => answer(request) });
});

afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await edge[Symbol.asyncDispose]();
});

function call(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("Authorization", `Bearer ${TOKENS.operator}`);
  return fetch(new URL(path, edge.url), { ...init, headers });
}

test.each([
  ["gzip", gzipSync(randomBytes(5_000)), "gzip"],
  ["brotli", brotliCompressSync(randomBytes(5_000)), "br"],
  ["every byte", Buffer.from(Array.from({ length: 256 }, (_v, index) => index)), undefined],
  ["half a character", Buffer.from("€").subarray(0, 2), undefined],
  ["nothing", Buffer.alloc(0), undefined],
])("a body of %s comes out as it went in", async (_name, body, encoding) => {
  const headers = new Headers({ "Content-Type": "application/octet-stream" });
  if (encoding !== undefined) headers.set("Content-Encoding", encoding);
  answer = () => new Response(body, { headers });
  const raw = await rawGet("/bytes");
  expect(raw.body.equals(body)).toBe(true);
  expect(raw.headers["content-encoding"]).toBe(encoding);
});

test("an upload reaches the core byte for byte", async () => {
  const body = randomBytes(3_000_000);
  answer = async (request) =>
    new Response(
      createHash("sha256")
        .update(await request.bytes())
        .digest("hex"),
    );
  const response = await call("/upload", { method: "POST", body });
  expect(await response.text()).toBe(createHash("sha256").update(body).digest("hex"));
});

test("server-sent events arrive one by one while the answer is still being made", async () => {
  const next: (() => void)[] = [];
  answer = () =>
    new Response(
      new ReadableStream({
        async start(controller) {
          for (let index = 0; index < 3; index += 1) {
            controller.enqueue(new TextEncoder().encode(`data: ${index}\n\n`));
            await new Promise<void>((resolve) => next.push(resolve));
          }
          controller.close();
        },
      }),
      { headers: { "Content-Type": "text/event-stream" } },
    );
  const response = await call("/events");
  const reader = response.body?.getReader();
  const seen: string[] = [];
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) break;
    seen.push(new TextDecoder().decode(value));
    // Only now may the core go on: a buffering hop would wait for ever.
    next.shift()?.();
  }
  expect(seen).toEqual(["data: 0\n\n", "data: 1\n\n", "data: 2\n\n"]);
});

test("a client that leaves stops the core's work, which would never end", async () => {
  const stopped = Promise.withResolvers<Request>();
  const started = Promise.withResolvers<void>();
  answer = (request) => {
    request.signal.addEventListener("abort", () => stopped.resolve(request));
    started.resolve();
    return new Response(
      new ReadableStream({
        async pull(controller) {
          await sleep(20);
          controller.enqueue(new TextEncoder().encode("data: tick\n\n"));
        },
      }),
      { headers: { "Content-Type": "text/event-stream" } },
    );
  };
  const leave = new AbortController();
  const response = await call("/endless", { signal: leave.signal });
  await response.body?.getReader().read();
  await started.promise;
  leave.abort();
  expect((await stopped.promise).signal.aborted).toBe(true);
});

test("a client that leaves before the answer begins stops it too", async () => {
  const stopped = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  answer = (request) => {
    request.signal.addEventListener("abort", () => stopped.resolve());
    started.resolve();
    return new Promise<Response>(() => undefined);
  };
  const leave = new AbortController();
  const response = call("/never", { signal: leave.signal });
  await started.promise;
  leave.abort();
  await expect(response).rejects.toThrow();
  await stopped.promise;
});

test("headers that lie or concern one hop only do not cross; the core's own answer does", async () => {
  answer = (request) =>
    Response.json([...request.headers], {
      headers: [
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
        ["X-Gw-Internal-Bundle", "999"],
        ["Alt-Svc", "h3"],
      ],
    });
  const raw = await rawGet("/headers", {
    "X-Forwarded-For": "203.0.113.9",
    Forwarded: "for=203.0.113.9",
    "X-Real-IP": "203.0.113.9",
    "X-Gw-Internal-Call": "{}",
    "CF-Connecting-IP": "203.0.113.9",
    Connection: "keep-alive, X-Hop",
    "X-Hop": "1",
    "X-Mine": "stays",
  });
  const names = new Map<string, string>(JSON.parse(raw.body.toString()));
  expect(names.get("x-mine")).toBe("stays");
  for (const name of [
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
    "x-gw-internal-call",
    "cf-connecting-ip",
    "authorization",
    "x-hop",
  ]) {
    expect([name, names.has(name)]).toEqual([name, false]);
  }
  expect(raw.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  expect(raw.headers["x-gw-internal-bundle"]).toBeUndefined();
  expect(raw.headers["alt-svc"]).toBeUndefined();
});

test("a path that begins with two slashes stays a path", async () => {
  answer = (request) => new Response(new URL(request.url).pathname);
  expect((await rawGet("//evil.example/x")).body.toString()).toBe("//evil.example/x");
});

test("HEAD, 204 and 304 have no body and do not hang", async () => {
  answer = (request) =>
    request.method === "HEAD"
      ? new Response("ignored", { headers: { "X-Kind": "head" } })
      : new Response(null, { status: Number(new URL(request.url).searchParams.get("status")) });
  expect((await call("/", { method: "HEAD" })).headers.get("X-Kind")).toBe("head");
  expect((await call("/?status=204")).status).toBe(204);
  expect((await call("/?status=304")).status).toBe(304);
});

test("an answer before the end of the upload is heard", async () => {
  answer = () => new Response("enough", { status: 413 });
  const response = await call("/early", { method: "POST", body: randomBytes(8_000_000) });
  expect([response.status, await response.text()]).toEqual([413, "enough"]);
});

test("an answer that breaks off is an error for the client, never a clean end", async () => {
  answer = () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint8Array(100_000));
          setTimeout(() => controller.error(new Error("broken")), 50);
        },
      }),
    );
  const response = await call("/broken");
  await expect(response.bytes()).rejects.toThrow();
});

test("a core that fails says which hop failed and what the client may do", async () => {
  answer = () => {
    throw new Error("secret detail");
  };
  const response = await call("/v1/models");
  const body = JSON.parse(await response.text());
  expect([response.status, body.hop, body.retrySafe]).toEqual([502, "relay", false]);
  expect(JSON.stringify(body)).not.toContain("secret detail");
});

test("many requests at once keep to their own bytes", async () => {
  answer = async (request) => new Response(await request.bytes());
  const bodies = Array.from({ length: 40 }, (_v, index) => randomBytes(20_000 + index * 7_001));
  const echoed = await Promise.all(
    bodies.map(async (body) => (await call("/echo", { method: "POST", body })).bytes()),
  );
  expect(echoed.every((bytes, index) => bodies[index]?.equals(bytes))).toBe(true);
});

interface RawAnswer {
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/** Without fetch, which decompresses, merges cookies and forbids headers. */
function rawGet(path: string, headers: Record<string, string> = {}): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const Authorization = `Bearer ${TOKENS.operator}`;
  const { hostname, port } = edge.url;
  httpRequest({ hostname, port, path, headers: { ...headers, Authorization } }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
    response.on("error", reject);
  })
    .on("error", reject)
    .end();
  return promise;
}
