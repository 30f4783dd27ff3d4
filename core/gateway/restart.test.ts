import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { freePort } from "../../test/support/free-port.ts";
import { loadSettings } from "../config/resolve.ts";
import { createLog } from "../log.ts";
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
