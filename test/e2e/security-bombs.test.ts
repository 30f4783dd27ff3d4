/** JSON that is small on the wire and large, or deep, in memory: it costs what it weighs, and no more. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectFrame, type GatewaySocket, openGatewaySocket } from "../support/gateway-socket.ts";
import { bearer, type MatrixWorld, startMatrixWorld } from "../support/matrix-world.ts";

const MiB = 1024 * 1024;
/** What the heap may keep of a few messages of ten megabytes until it is collected. */
const MAX_GROWTH_MIB = 400;
const DOORS = ["the core's own port", "the edge"] as const;
let world: MatrixWorld;

beforeAll(async () => {
  world = await startMatrixWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Of the core's process. */
async function residentMiB(): Promise<number> {
  const status = await readFile(`/proc/${world.core.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(?<kib>\d+) kB/m.exec(status)?.groups?.["kib"]) / 1024;
}

async function enter(door: (typeof DOORS)[number]): Promise<GatewaySocket> {
  const client = await openGatewaySocket(world.url(door));
  await client.frame({ event: "connect.challenge" });
  client.send(connectFrame({ auth: { token: world.home.token }, scopes: ["operator.admin"] }));
  await client.frame({ type: "res", id: "1", ok: true });
  return client;
}

/** All of it fits in the message of a client of the edge, too. */
const SIZE = 900 * 1024;
const BOMBS: readonly (readonly [string, string])[] = [
  ["a tower of arrays", "[".repeat(SIZE / 2) + "]".repeat(SIZE / 2)],
  ["a tower of objects", '{"a":'.repeat(SIZE / 6) + "1" + "}".repeat(SIZE / 6)],
  ["a wide array", `[${"0,".repeat(SIZE / 2 - 1)}0]`],
  ["a wide array of objects", `[${"{},".repeat(SIZE / 3 - 1)}{}]`],
  [
    "an object of many names",
    `{${Array.from({ length: SIZE / 12 }, (_v, at) => `"k${at}":0`).join()}}`,
  ],
  ["a long name", `{"${"k".repeat(SIZE - 8)}":1}`],
  ["a number of many digits", "9".repeat(SIZE)],
  ["a prototype", `{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}`],
  ["a tower that is not finished", "[".repeat(SIZE)],
];

for (const door of DOORS) {
  test.each(BOMBS)(
    `JSON bomb: %s as parameters at ${door} leaves the gateway as it was`,
    async (_name, bomb) => {
      const before = await residentMiB();
      using client = await enter(door);
      for (const method of ["sessions.list", "chat.send", "config.patch", "cron.add", "no.such"]) {
        client.send(`{"type":"req","id":"${method}","method":"${method}","params":${bomb}}`);
        // One after the other: much at once is another matter.
        const after = `after ${method}`;
        client.send({ type: "req", id: after, method: "health", params: {} });
        expect(await client.frame({ id: after })).toMatchObject({ ok: true });
      }
      const refusals = client.frames.filter(({ ok }) => ok === false);
      for (const { error } of refusals) {
        expect(error).toMatchObject({ code: "INVALID_REQUEST" });
        // What is told back of it is short.
        expect(JSON.stringify(error).length).toBeLessThan(2_000);
      }
      const taken = client.frames.filter(({ ok, id }) => ok === true && String(id).includes("."));
      expect(taken.filter(({ id }) => !String(id).startsWith("after "))).toEqual([]);
      expect((await residentMiB()) - before).toBeLessThan(MAX_GROWTH_MIB);
      expect(Object.hasOwn(Object.prototype, "admin")).toBe(false);
    },
  );

  test.each(BOMBS)(
    `JSON bomb: %s as a body at ${door} is a client's fault`,
    async (_name, bomb) => {
      const before = await residentMiB();
      for (const path of [
        "/v1/chat/completions",
        "/v1/responses",
        "/tools/invoke",
        "/v1/embeddings",
      ]) {
        const answer = await fetch(new URL(path, world.url(door)), {
          method: "POST",
          headers: { ...bearer(world.home.token), "Content-Type": "application/json" },
          body: bomb,
        });
        const text = await answer.text();
        expect(answer.status, `${path} ${text.slice(0, 200)}`).toBeGreaterThanOrEqual(400);
        expect(answer.status, `${path} ${text.slice(0, 200)}`).toBeLessThan(500);
        expect(text.length).toBeLessThan(4_000);
      }
      expect((await residentMiB()) - before).toBeLessThan(MAX_GROWTH_MIB);
    },
  );
}

test.each([
  ["deep", "[".repeat(10 * MiB) + "]".repeat(10 * MiB)],
  ["wide", `[${"{},".repeat(7 * MiB)}0]`],
])("twenty messages as %s as they may be long are not even parsed", async (_name, bomb) => {
  const before = await residentMiB();
  using client = await enter("the core's own port");
  for (let index = 0; index < 20; index += 1) {
    client.send(`{"type":"req","id":"b","method":"sessions.list","params":${bomb}}`);
    client.send({ type: "req", id: `after ${index}`, method: "health", params: {} });
    expect(await client.frame({ id: `after ${index}` })).toMatchObject({ ok: true });
  }
  const refusals = client.frames.filter(({ ok }) => ok === false);
  expect(refusals).toHaveLength(20);
  expect(refusals[0]).toMatchObject({ id: "invalid", error: { code: "INVALID_REQUEST" } });
  expect((await residentMiB()) - before).toBeLessThan(MAX_GROWTH_MIB);
});

test("a long text that is one value is no bomb", async () => {
  using client = await enter("the core's own port");
  client.send({
    type: "req",
    id: "long",
    method: "no.such",
    params: { text: "[".repeat(20 * MiB) },
  });
  expect(await client.frame({ id: "long" })).toMatchObject({
    error: { message: "unknown method: no.such" },
  });
});
