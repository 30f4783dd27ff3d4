import { expect, test } from "vitest";
import * as z from "zod";
import { connectParams, rpcWorld } from "../../../test/support/rpc-world.ts";
import { type Method, PutOff } from "../../methods/method.ts";
import { patiently } from "../../methods/patiently.ts";

test("an unknown property is named as the protocol names it", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams());
  expect(await client.request("plain", { bad: 1 }, "2")).toMatchObject({
    error: {
      code: "INVALID_REQUEST",
      message: "invalid plain params: at root: unexpected property 'bad'",
    },
  });
});

test("a first message that is too long is cut off before it is whole", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  client.send("x".repeat(70 * 1024));
  expect(await client.end()).toEqual([1009, "handshake too large"]);
});

test("a client may send long messages once it is through the handshake", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams());
  const text = "x".repeat(5 * 1024 * 1024);
  const answer = await client.request("echo", { text }, "2");
  expect(answer).toMatchObject({ id: "2", ok: true });
});

test("clients wait while the gateway restarts, and are served by what comes after it", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams());
  gateway.connections.pause();
  const answer = client.request("plain", {}, "2");
  const other: Method = { scope: "operator.read", call: () => "called by the next one" };
  gateway.connections.resume({ ...gateway.parts, methods: new Map([["plain", other]]) });
  expect(await answer).toMatchObject({ id: "2", payload: "called by the next one" });
});

test("one request too many is refused, and the connection stays", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams());
  for (let id = 0; id <= 64; id += 1) client.send({ type: "req", id: `${id}`, method: "stuck" });
  expect(await client.next()).toMatchObject({
    id: "64",
    error: { code: "UNAVAILABLE", message: "too many requests at once", retryable: true },
  });
});

test("a client follows so many things and no more, and hears of those it follows", async () => {
  await using gateway = await rpcWorld();
  const follow: Method = {
    scope: "operator.read",
    call: (params, context) =>
      context.subscribe(z.object({ topic: z.string() }).parse(params).topic),
  };
  gateway.connections.resume({ ...gateway.parts, methods: new Map([["follow", follow]]) });
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams());
  for (let topic = 0; topic < 64; topic += 1) {
    expect(await client.request("follow", { topic: `t${topic}` }, "2")).toMatchObject({ ok: true });
  }
  expect(await client.request("follow", { topic: "t64" }, "3")).toMatchObject({
    error: { code: "INVALID_REQUEST", message: "too many subscriptions on one connection" },
  });
  expect(await client.request("follow", { topic: "t5" }, "4")).toMatchObject({ ok: true });
  gateway.connections.publish("chat", {}, { topic: "t64" });
  gateway.connections.publish("chat", { n: 63 }, { topic: "t63" });
  expect(await client.next()).toMatchObject({ event: "chat", payload: { n: 63 } });
});

test("an answer that cannot be text is a fault of ours, and the connection stays", async () => {
  await using gateway = await rpcWorld();
  const deep: Method = {
    scope: "operator.read",
    call: () => JSON.parse("[".repeat(50_000) + "]".repeat(50_000)),
  };
  const odd: Method = {
    scope() {
      throw new TypeError("a bug");
    },
    call: () => "never",
  };
  const methods = new Map([...gateway.parts.methods, ["deep", deep], ["odd", odd]] as const);
  gateway.connections.resume({ ...gateway.parts, methods });
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams());
  const internal = { error: { code: "UNAVAILABLE", message: "internal error" } };
  expect(await client.request("deep", {}, "2")).toMatchObject({ id: "2", ...internal });
  expect(await client.request("odd", {}, "3")).toMatchObject({ id: "3", ...internal });
  expect(await client.request("plain", {}, "4")).toMatchObject({ id: "4", ok: true });
});

test("who only waits for somebody's word does not hold up an end, and work does", async () => {
  await using gateway = await rpcWorld();
  const work = Promise.withResolvers<string>();
  const waits: Method = {
    scope: "operator.read",
    call: (_params, context) => patiently(new Promise(() => undefined), context),
  };
  const works: Method = { scope: "operator.read", call: () => work.promise };
  const methods = new Map([
    ["waits", waits],
    ["works", works],
  ]);
  gateway.connections.resume({ ...gateway.parts, methods });
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams());
  client.send({ type: "req", id: "2", method: "waits" });
  client.send({ type: "req", id: "3", method: "works" });
  client.send({ type: "req", id: "4", method: "nothing of ours" });
  expect(await client.next()).toMatchObject({ id: "4" });
  const settled = gateway.connections.settle(60_000);
  expect(await client.next()).toMatchObject({
    id: "2",
    error: { code: "UNAVAILABLE", retryable: true },
  });
  work.resolve("done");
  expect(await client.next()).toMatchObject({ id: "3", payload: "done" });
  await settled;
  gateway.connections.resume({ ...gateway.parts, methods });
  client.send({ type: "req", id: "5", method: "waits" });
  expect(await client.request("nothing", {}, "6")).toMatchObject({ id: "6" });
});

test("what comes behind the first message is not read before that one is answered", async () => {
  await using gateway = await rpcWorld();
  const client = gateway.dial();
  await client.next();
  gateway.connections.pause();
  const params = { text: "x".repeat(16 * 1024) };
  client.send({ type: "req", id: "1", method: "connect", params: connectParams() });
  for (let id = 2; id <= 600; id += 1)
    client.send({ type: "req", id: `${id}`, method: "echo", params });
  // More than a connection may hold, if it were read: time enough for that.
  for (let round = 0; round < 50; round += 1) {
    using other = gateway.dial();
    await other.next();
  }
  gateway.connections.resume(gateway.parts);
  expect(await client.next()).toMatchObject({ id: "1", ok: true });
  for (let id = 2; id <= 600; id += 1) expect(await client.next()).toMatchObject({ type: "res" });
});

/** A call that cannot be done now; `next` is what whoever leads next makes of it. */
async function putOffWorld(next: Method["call"]) {
  const gateway = await rpcWorld();
  const otherwise = { put: "off" };
  const asked: number[] = [];
  const later: Method = {
    scope: "operator.read",
    call(_params, context) {
      asked.push(context.askedAt);
      context.accept("accepted");
      throw new PutOff(() => otherwise);
    },
  };
  const done: Method = {
    scope: "operator.read",
    call(params, context) {
      asked.push(context.askedAt);
      context.accept("accepted again");
      return next(params, context);
    },
  };
  gateway.connections.resume({ ...gateway.parts, methods: new Map([["later", later]]) });
  const client = gateway.dial();
  await client.next();
  await client.request("connect", connectParams());
  return {
    gateway,
    client,
    asked,
    resume: () =>
      gateway.connections.resume({ ...gateway.parts, methods: new Map([["later", done]]) }),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

test("a call that is put off is made again of whoever leads next, holds up no end, and is accepted once", async () => {
  await using it = await putOffWorld(() => "done by the next one");
  it.gateway.connections.hold();
  it.client.send({ type: "req", id: "2", method: "later" });
  expect(await it.client.next()).toMatchObject({ id: "2", payload: "accepted" });
  await it.gateway.connections.settle(60_000);
  it.gateway.connections.pause();
  it.resume();
  expect(await it.client.next()).toMatchObject({ id: "2", payload: "done by the next one" });
  expect(it.asked).toHaveLength(2);
  expect(new Set(it.asked).size).toBe(1);
});

test("a call that is put off when nobody comes after gets the answer there is then", async () => {
  await using it = await putOffWorld(() => undefined);
  it.client.send({ type: "req", id: "2", method: "later" });
  expect(await it.client.next()).toMatchObject({ id: "2", payload: "accepted" });
  expect(await it.client.next()).toMatchObject({ id: "2", payload: { put: "off" } });
});
