import { expect, test } from "vitest";
import { connectParams, rpcWorld } from "../../test/support/rpc-world.ts";
import type { Method } from "../methods/method.ts";

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
