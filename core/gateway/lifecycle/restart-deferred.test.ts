import { expect, test } from "vitest";
import { freePort } from "../../../test/support/free-port.ts";
import { restartWorld } from "../../../test/support/restart-world.ts";
import { slowModel } from "../../../test/support/slow-model.ts";

const QUICK = { port: 0, reload: { debounceMs: 0 } };

test.concurrent("a turn over HTTP ends before the restart, other turns are served meanwhile, and the newest config counts", async () => {
  await using model = await slowModel();
  await using it = await restartWorld({ gateway: QUICK, ...model.config });
  const slow = it.turn("slow");
  await model.asked();
  const ports = [await freePort(), await freePort()] as const;
  await it.write({ gateway: { ...QUICK, port: ports[0] }, ...model.config });
  expect(await it.logged("restart deferred")).toMatchObject({
    reasons: ["the config has changed"],
    waitsFor: expect.stringContaining("1 under way (1 http)"),
  });
  const agents = { agents: { entries: { main: {}, late: {} }, defaults: agentDefaults(model) } };
  await it.write({ gateway: { ...QUICK, port: ports[1] }, ...model.config, ...agents });
  await it.logged("config reloaded");
  expect((await it.turn("hello")).status).toBe(200);
  expect(await (await it.ask("/v1/models")).text()).toContain("openclaw/late");
  expect(it.count("gateway restarting")).toBe(0);
  model.answer();
  const answered = await slow;
  expect([answered.status, await answered.text()]).toEqual([
    200,
    expect.stringContaining("at last"),
  ]);
  await it.logged("gateway restarted");
  expect(it.gateway.url).toBe(`http://127.0.0.1:${ports[1]}`);
  expect(it.count("gateway restarted")).toBe(0);
});

test.concurrent("a run that was asked for by a call ends before the restart, and everybody can see what is waited for", async () => {
  await using model = await slowModel();
  await using it = await restartWorld({ gateway: QUICK, ...model.config });
  const socket = await it.open();
  const order = { sessionKey: "main", message: "slow", idempotencyKey: "the-run" };
  socket.send({ type: "req", id: "send", method: "chat.send", params: order });
  await model.asked();
  socket.send({ type: "req", id: "restart", method: "gateway.restart.request" });
  expect(await socket.frame({ id: "restart" })).toMatchObject({
    payload: { status: "deferred", preflight: { safe: false } },
  });
  await it.logged("restart deferred");
  const pendingRestart = {
    phase: "deferred",
    reason: "gateway.restart.request",
    waitsFor: expect.stringContaining("1 under way (1 chat)"),
  };
  for (const method of ["status", "gateway.restart.preflight"]) {
    socket.send({ type: "req", id: method, method });
    expect(await socket.frame({ id: method })).toMatchObject({ payload: { pendingRestart } });
  }
  model.answer();
  await it.logged("gateway restarted");
  const again = await it.open();
  const params = { sessionKey: "main" };
  again.send({ type: "req", id: "history", method: "chat.history", params });
  expect(JSON.stringify(await again.frame({ id: "history" }))).toContain("at last");
});

test.concurrent("while what is left is about to end new work waits, and everything else is answered", async () => {
  await using model = await slowModel();
  await using it = await restartWorld({ gateway: QUICK, ...model.config });
  const socket = await it.open();
  const slow = it.turn("slow");
  await model.asked();
  socket.send({ type: "req", id: "restart", method: "gateway.restart.request" });
  await it.logged("new work waits for a restart");
  socket.send({ type: "req", id: "status", method: "status" });
  expect(await socket.frame({ id: "status" })).toMatchObject({
    payload: { pendingRestart: { phase: "restarting" } },
  });
  const order = { sessionKey: "other", message: "hello", idempotencyKey: "waits" };
  socket.send({ type: "req", id: "send", method: "chat.send", params: order });
  const fast = it.turn("hello");
  expect((await it.ask("/health")).status).toBe(200);
  expect(await Promise.race([fast, it.logged("restart deferred")])).toMatchObject({
    msg: "restart deferred",
  });
  expect((await fast).status).toBe(200);
  expect(await socket.frame({ id: "send" })).toMatchObject({ ok: true });
  model.answer();
  expect((await slow).status).toBe(200);
  await it.logged("gateway restarted");
});

test.concurrent("a change that takes effect at once is not undone by a restart that was asked for before it", async () => {
  await using model = await slowModel();
  await using it = await restartWorld({ gateway: QUICK, ...model.config });
  const answer = it.turn("slow");
  await model.asked();
  const socket = await it.open();
  socket.send({ type: "req", id: "restart", method: "gateway.restart.request" });
  await it.logged("restart deferred");
  const agents = { agents: { entries: { main: {}, late: {} }, defaults: agentDefaults(model) } };
  await it.write({ gateway: QUICK, ...model.config, ...agents });
  await it.logged("config reloaded");
  model.answer();
  expect((await answer).status).toBe(200);
  await it.logged("gateway restarted");
  expect(await (await it.ask("/v1/models")).text()).toContain("openclaw/late");
});

test.concurrent("an end of the process does not wait for a restart that waits", async () => {
  await using model = await slowModel();
  await using it = await restartWorld({ gateway: QUICK, ...model.config });
  const slow = it.turn("slow");
  await model.asked();
  await it.write({ gateway: { ...QUICK, port: await freePort() }, ...model.config });
  await it.logged("restart deferred");
  const restarting = it.count("gateway restarting");
  await Promise.all([
    it.gateway.drain(1_500),
    slow.then(({ status }) => expect([status, restarting]).toEqual([502, 0])),
  ]);
});

test.concurrent(
  "what takes longer than a restart may be put off is cut off",
  { timeout: 40_000 },
  async () => {
    await using model = await slowModel();
    const reload = { debounceMs: 0, deferralTimeoutMs: 1 };
    await using it = await restartWorld({ gateway: { port: 0, reload }, ...model.config });
    const slow = it.turn("slow");
    await model.asked();
    await it.write({ gateway: { port: await freePort(), reload }, ...model.config });
    await it.logged("restart was put off long enough");
    const [answered] = await Promise.all([slow, it.logged("gateway restarted")]);
    expect(answered.status).toBe(502);
  },
);

function agentDefaults({ config }: { readonly config: object }): unknown {
  return "agents" in config && typeof config.agents === "object" && config.agents !== null
    ? Object.values(config.agents)[0]
    : undefined;
}
