import { once } from "node:events";
import { unwatchFile, watchFile } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type ServerResponse } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { freePort } from "../../../test/support/free-port.ts";
import { loadSettings } from "../../config/resolve.ts";
import { createLog } from "../../log.ts";
import { startGateway } from "./start.ts";

const TOKEN = "a-gateway-token-of-some-length";

const Line = z.looseObject({ msg: z.string() });
type Line = z.output<typeof Line>;
const Frame = z.looseObject({ type: z.string(), event: z.string().optional() });

/** A whole gateway that follows its config file. */
async function world(config: object) {
  const parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "gateway-"));
  parts.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  const file = join(home, ".openclaw", "openclaw.json");
  await mkdir(join(home, ".openclaw"), { mode: 0o700 });
  const write = (changed: object): Promise<void> => writeFile(file, JSON.stringify(changed));
  await write(config);
  const env = { OPENCLAW_GATEWAY_TOKEN: TOKEN };
  const flags = {};
  const load = () => loadSettings({ env, cwd: home, home, uid: process.getuid?.(), flags });
  const loaded = await load();
  if (!loaded.ok) throw new Error(loaded.error.reason);
  const lines: Line[] = [];
  let wake = Promise.withResolvers<void>();
  const log = createLog("info", {
    write(text: string) {
      lines.push(Line.parse(JSON.parse(text)));
      wake.resolve();
      wake = Promise.withResolvers();
    },
  });
  const gateway = parts.use(await startGateway(loaded.value, log, load));
  return {
    gateway,
    write,
    /** Resolves with the first line that says `msg`, from the last call on. */
    async logged(msg: string): Promise<Line> {
      for (;;) {
        const index = lines.findIndex((line) => line.msg === msg);
        const [found] = index < 0 ? [] : lines.splice(0, index + 1).slice(-1);
        if (found !== undefined) return found;
        await wake.promise;
      }
    },
    file,
    post: (path: string, body: object) =>
      fetch(`${gateway.url}${path}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
        body: JSON.stringify(body),
      }),
    ask: (path: string, url = gateway.url) =>
      fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${TOKEN}` } }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

test("another port takes effect without an end of the process", async () => {
  const port = await freePort();
  await using it = await world({ gateway: { port: 0, reload: { debounceMs: 0 } } });
  const before = it.gateway.url;
  await it.write({ gateway: { port, reload: { debounceMs: 0 } } });
  await it.logged("gateway restarted");
  expect(it.gateway.url).toBe(`http://127.0.0.1:${port}`);
  expect((await it.ask("/ready")).status).toBe(200);
  await expect(it.ask("/ready", before)).rejects.toThrow();
});

test("a port that another program has changes nothing, and the gateway runs on", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  await using it = await world({ gateway: { port: 0, reload: { debounceMs: 0 } } });
  const before = it.gateway.url;
  await it.write({ gateway: { port: address.port, reload: { debounceMs: 0 } } });
  await it.logged("restart failed: the gateway runs as before");
  const refused = await it.logged("config is refused: nothing has changed");
  expect(refused["reason"]).toContain("is in use");
  expect(it.gateway.url).toBe(before);
  expect((await it.ask("/ready")).status).toBe(200);
  taken.close();
});

test("requests that come during a restart wait for it, on the same port", async () => {
  await using it = await world({ gateway: { port: 0, reload: { debounceMs: 0 } } });
  const { url } = it.gateway;
  const done = new AbortController();
  const statuses: number[] = [];
  const asked = (async () => {
    while (!done.signal.aborted) statuses.push((await it.ask("/health")).status);
  })();
  await it.write({
    gateway: { port: 0, reload: { debounceMs: 0 } },
    sallyport: { limits: { turnTimeoutMs: 60_000 } },
  });
  await it.logged("gateway restarted");
  done.abort();
  await asked;
  expect(it.gateway.url).toBe(url);
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(statuses.length).toBeGreaterThan(1);
});

test("local clients are told of a restart, closed with 1012, and may come back", async () => {
  await using it = await world({ gateway: { port: 0, reload: { debounceMs: 0 } } });
  const socket = new WebSocket(it.gateway.url.replace("http", "ws"));
  const frames: z.output<typeof Frame>[] = [];
  const closed = once(socket, "close");
  socket.on("message", (data: Buffer) => {
    const frame = Frame.parse(JSON.parse(data.toString("utf8")));
    frames.push(frame);
    if (frame.event === "connect.challenge") socket.send(connect("1"));
    if (frame.type === "res" && frame["id"] === "1") {
      const params = { reason: "a test" };
      socket.send(
        JSON.stringify({ type: "req", id: "2", method: "gateway.restart.request", params }),
      );
    }
  });
  const [code, reason] = await closed;
  expect([code, String(reason)]).toEqual([1012, "service restart"]);
  expect(frames).toContainEqual(
    expect.objectContaining({ id: "2", ok: true, payload: expect.objectContaining({ ok: true }) }),
  );
  expect(frames.at(-1)).toMatchObject({
    event: "shutdown",
    payload: { reason: "gateway restarting", restartExpectedMs: 1500 },
  });
  expect((await it.ask("/ready")).status).toBe(200);
});

function connect(id: string): string {
  const client = { id: "cli", version: "1", platform: "linux", mode: "cli" };
  const auth = { token: TOKEN };
  const scopes = ["operator.admin"];
  const params = { minProtocol: 4, maxProtocol: 4, client, role: "operator", scopes, auth };
  return JSON.stringify({ type: "req", id, method: "connect", params });
}

/** A model that says nothing until it is let. */
async function slowModel() {
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const answer = async (outgoing: ServerResponse): Promise<void> => {
    await gate.promise;
    const choices = [{ index: 0, delta: { content: "at last" }, finish_reason: "stop" }];
    const chunk = { id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices };
    outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
    outgoing.end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
  };
  const server = createHttpServer((incoming, outgoing) => {
    incoming.resume();
    asked.resolve();
    void answer(outgoing);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const provider = {
    api: "openai-completions",
    baseUrl: `http://127.0.0.1:${port}/v1`,
    apiKey: "sk-test",
    models: [{ id: "m", name: "m" }],
  };
  return {
    config: {
      agents: { defaults: { model: { primary: "p/m" } } },
      models: { providers: { p: provider } },
    },
    asked: asked.promise,
    answer: () => gate.resolve(),
    async [Symbol.asyncDispose]() {
      gate.resolve();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const QUICK = { port: 0, reload: { debounceMs: 0 } };

test("a turn over HTTP that is under way is answered before the restart, and what is written meanwhile counts", async () => {
  await using model = await slowModel();
  await using it = await world({ gateway: QUICK, ...model.config });
  const answer = it.post("/v1/chat/completions", {
    model: "openclaw",
    messages: [{ role: "user", content: "hello" }],
  });
  await model.asked;
  await it.write({ gateway: { ...QUICK, port: await freePort() }, ...model.config });
  await it.logged("gateway restarting");
  const agents = { ...model.config.agents, entries: { main: {}, late: {} } };
  await it.write({ gateway: { ...QUICK, port: 0 }, ...model.config, agents });
  model.answer();
  const answered = await answer;
  expect([answered.status, await answered.text()]).toEqual([
    200,
    expect.stringContaining("at last"),
  ]);
  await it.logged("gateway restarted");
  await it.logged("gateway restarted");
  expect(await (await it.ask("/v1/models")).text()).toContain("openclaw/late");
});

test("a change that takes effect at once is not undone by a restart that was asked for before it", async () => {
  await using model = await slowModel();
  await using it = await world({ gateway: QUICK, ...model.config });
  const answer = it.post("/v1/chat/completions", {
    model: "openclaw",
    messages: [{ role: "user", content: "hello" }],
  });
  await model.asked;
  const socket = new WebSocket(it.gateway.url.replace("http", "ws"));
  socket.on("message", (data: Buffer) => {
    const frame = Frame.parse(JSON.parse(data.toString("utf8")));
    if (frame.event === "connect.challenge") socket.send(connect("1"));
    const ask = { type: "req", id: "2", method: "gateway.restart.request", params: {} };
    if (frame.type === "res" && frame["id"] === "1") socket.send(JSON.stringify(ask));
  });
  await it.logged("gateway restarting");
  const agents = { ...model.config.agents, entries: { main: {}, late: {} } };
  await it.write({ gateway: QUICK, ...model.config, agents });
  // The follower looks four times a second; it has the change before the turn ends.
  await new Promise((resolve) => watchFile(it.file, { interval: 50 }, resolve));
  model.answer();
  expect((await answer).status).toBe(200);
  await it.logged("gateway restarted");
  await it.logged("config reloaded");
  unwatchFile(it.file);
  expect(await (await it.ask("/v1/models")).text()).toContain("openclaw/late");
});
