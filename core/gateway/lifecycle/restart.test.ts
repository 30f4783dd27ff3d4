import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../../../test/support/free-port.ts";
import { restartWorld } from "../../../test/support/restart-world.ts";

const QUICK = { port: 0, reload: { debounceMs: 0 } };

test("another port takes effect without an end of the process", async () => {
  const port = await freePort();
  await using it = await restartWorld({ gateway: QUICK });
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
  await using it = await restartWorld({ gateway: QUICK });
  const before = it.gateway.url;
  await it.write({ gateway: { port: address.port, reload: { debounceMs: 0 } } });
  await it.logged("restart failed: the gateway runs as before");
  const refused = await it.logged("config is refused: nothing has changed");
  expect(refused["reason"]).toContain("is in use");
  expect(it.gateway.url).toBe(before);
  expect((await it.ask("/ready")).status).toBe(200);
  taken.close();
});

test("an edge that cannot be dialled changes nothing, and of the leader that was to be nothing is left", async () => {
  await using it = await restartWorld({ gateway: QUICK });
  await writeFile(join(dirname(it.file), "tunnel.json"), "{", { mode: 0o600 });
  const edge = { url: "http://127.0.0.1:9" };
  await it.write({ gateway: QUICK, sallyport: { edge } });
  await it.logged("restart failed: the gateway runs as before");
  const socket = await it.open();
  const order = { sessionKey: "main", message: "hello", idempotencyKey: "once" };
  socket.send({ type: "req", id: "1", method: "chat.send", params: order });
  await socket.frame({ id: "1" });
  socket.send({ type: "req", id: "2", method: "agent.wait", params: { runId: "once" } });
  expect(await socket.frame({ id: "2" })).toMatchObject({ payload: { status: "ok" } });
  await it.gateway.drain(1_000);
});

test("requests that come during a restart wait for it, on the same port", async () => {
  await using it = await restartWorld({ gateway: QUICK });
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
  await using it = await restartWorld({ gateway: QUICK });
  const socket = await it.open();
  const params = { reason: "a test" };
  socket.send({ type: "req", id: "2", method: "gateway.restart.request", params });
  expect(await socket.frame({ id: "2" })).toMatchObject({
    ok: true,
    payload: { ok: true, status: "scheduled" },
  });
  expect(await socket.ended).toEqual({ code: 1012, reason: "service restart" });
  expect(socket.frames.at(-1)).toMatchObject({
    event: "shutdown",
    payload: { reason: "gateway restarting", restartExpectedMs: 1500 },
  });
  expect((await it.ask("/ready")).status).toBe(200);
});
