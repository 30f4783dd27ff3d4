import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Flags } from "../../config/environment/overrides.ts";
import { loadSettings } from "../../config/resolve.ts";
import { type Gateway, startGateway } from "./start.ts";

const TOKEN = "a-gateway-token-of-some-length";
const SILENT = pino({ level: "silent" });

/** One state folder, and gateways on it. */
async function world() {
  const parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "standby-"));
  parts.defer(() => rm(home, { recursive: true }));
  const start = async (flags: Flags = {}): Promise<Gateway> => {
    const loaded = await loadSettings({
      env: { OPENCLAW_GATEWAY_TOKEN: TOKEN, OPENCLAW_GATEWAY_PORT: "0" },
      cwd: home,
      home,
      uid: process.getuid?.(),
      flags,
    });
    if (!loaded.ok) throw new Error(loaded.error.reason);
    return parts.use(await startGateway(loaded.value, SILENT));
  };
  return { home, start, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

function ask({ url }: Gateway, path: string): Promise<Response> {
  return fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${TOKEN}` } });
}

test("a standby says so to probes and sends everybody else away unharmed", async () => {
  await using it = await world();
  await it.start();
  const standby = await it.start({ standby: true });
  const stranger = await fetch(`${standby.url}/health`);
  expect([stranger.status, await stranger.json()]).toEqual([200, { ok: true, status: "standby" }]);
  expect(await (await ask(standby, "/health")).json()).toMatchObject({
    status: "standby",
    version: expect.any(String),
    edge: { configured: false },
  });
  const ready = await fetch(`${standby.url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([503, { ready: false, failing: ["standby"] }]);

  const refused = await ask(standby, "/v1/models");
  expect(refused.status).toBe(503);
  expect(refused.headers.get("Retry-After")).toBe("1");
  expect(await refused.json()).toMatchObject({ code: "not_leader", hop: "core", retrySafe: true });
  const socket = new WebSocket(standby.url.replace("http", "ws"));
  const [error] = await once(socket, "error");
  expect(String(error)).toContain("503");
});

test("a standby leads when the leader has drained, on its own port and with the same state", async () => {
  await using it = await world();
  const leader = await it.start();
  await leader.leads;
  const standby = await it.start({ standby: true });
  const { url } = standby;
  await leader.drain(5_000);
  await standby.leads;
  expect(standby.url).toBe(url);
  expect((await ask(standby, "/v1/models")).status).toBe(200);
  expect(await (await ask(standby, "/readyz")).json()).toMatchObject({ ready: true, failing: [] });
});

test("a standby on the leader's port waits for that as well", async () => {
  await using it = await world();
  const leader = await it.start();
  const standby = await it.start({ standby: true, port: String(leader.port) });
  expect(standby.url).toBe(leader.url);
  expect((await ask(standby, "/v1/models")).status).toBe(200); // the leader's answer
  await leader[Symbol.asyncDispose]();
  await standby.leads;
  expect((await ask(standby, "/v1/models")).status).toBe(200);
});

test("a standby without anybody to stand by for, and without an edge to ask, leads at once", async () => {
  await using it = await world();
  const alone = await it.start({ standby: true });
  await alone.leads;
  expect((await ask(alone, "/v1/models")).status).toBe(200);
});

test("of two standbys one leads, and the other one after it", async () => {
  await using it = await world();
  const one = await it.start({ standby: true });
  const two = await it.start({ standby: true });
  await one.leads;
  expect((await fetch(`${two.url}/readyz`)).status).toBe(503);
  await one[Symbol.asyncDispose]();
  await two.leads;
  expect((await fetch(`${two.url}/readyz`)).status).toBe(200);
});

test("a standby can be stopped while it waits, and leaves the leader alone", async () => {
  await using it = await world();
  const leader = await it.start();
  const standby = await it.start({ standby: true, port: String(leader.port) });
  await standby.drain(5_000);
  await standby[Symbol.asyncDispose]();
  expect((await ask(leader, "/v1/models")).status).toBe(200);
});

test("a standby that gets the state but not its port gives up and lets go of both", async () => {
  await using it = await world();
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const standby = await it.start({ standby: true, port: String(port) });
  const failed = expect(standby.leads).rejects.toMatchObject({ code: "conflict" });
  await standby[Symbol.asyncDispose]();
  await failed;
  other.close();
  const next = await it.start();
  await next.leads;
});

test("a standby whose state cannot be used says so instead of waiting for ever", async () => {
  await using it = await world();
  await mkdir(join(it.home, ".openclaw"), { mode: 0o700 });
  await writeFile(join(it.home, ".openclaw", "sallyport.sqlite"), "no database ".repeat(200));
  await expect(it.start({ standby: true })).rejects.toMatchObject({ code: "invalid_request" });
});
