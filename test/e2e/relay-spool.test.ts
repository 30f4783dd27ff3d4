/** What waiting webhooks cost in rows, and what becomes of them when the relay is not as it was. */
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import type { Delivered, Delivery } from "../../core/tunnel/handlers.ts";
import { GatewayError } from "../../shared/errors.ts";
import { evictRelay } from "../support/evict.ts";
import { callRelay, deliver, webhook } from "../support/relay-calls.ts";
import { startWorld, type World } from "./failures/world.ts";
import { until } from "../support/until.ts";

let core: (delivery: Delivery) => Promise<Delivered>;
let world: World;

beforeEach(async () => {
  core = ({ id }) => Promise.resolve(world.ledger.commit(id));
  world = await startWorld({ deliver: (delivery) => core(delivery) });
});
afterEach(() => world[Symbol.asyncDispose]());

async function drained(): Promise<void> {
  await until(async () => (await world.health()).spooled === 0);
}

/** Tables of webhooks that there are. */
async function tables(): Promise<string[]> {
  const rows = await world.faults.query("SELECT name FROM sqlite_master WHERE type = 'table'");
  const names = z.array(z.object({ name: z.string() })).parse(rows);
  return names.flatMap(({ name }) => (/^(?:[qc]_|spool)/.test(name) ? [name] : [])).toSorted();
}

async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await world.core.tunnel.request(undefined, method, path, body);
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
  return answer.body;
}

const Listing = z.object({
  items: z.array(
    z.object({
      seq: z.int(),
      id: z.string(),
      route: z.string(),
      lanes: z.array(z.string()),
      state: z.string(),
      attempts: z.int(),
      reason: z.string().nullable(),
      size: z.int(),
      requestId: z.string(),
      verified: z.string(),
    }),
  ),
  next: z.int().nullable(),
});

async function list(query: string): Promise<z.output<typeof Listing>> {
  return Listing.parse(await ask("GET", `/spool?${query}`));
}

test("a webhook that is delivered at once writes no row", async () => {
  await deliver(world.edge, webhook(0));
  await world.faults.rowsWritten();
  for (let number = 1; number <= 50; number += 1) await deliver(world.edge, webhook(number));
  for (let number = 1; number <= 50; number += 1) {
    expect(await deliver(world.edge, webhook(number))).toEqual({ result: "duplicate" });
  }
  expect(await world.faults.rowsWritten()).toBe(0);
});

test("a webhook that waits is one row, and one more for each part of a body beyond the first", async () => {
  await world.disconnect();
  await world.faults.rowsWritten();
  await deliver(world.edge, { ...webhook(1), body: "x".repeat(2_000_000) });
  // The two tables of this hour are made with it.
  expect(await world.faults.rowsWritten()).toBeLessThanOrEqual(2 + 2 * 3);
  await deliver(world.edge, webhook(2));
  expect(await world.faults.rowsWritten()).toBe(1);
  await deliver(world.edge, { ...webhook(3), body: "x".repeat(4_000_000) });
  expect(await world.faults.rowsWritten()).toBe(3);
  expect(await tables()).toHaveLength(2);
});

test("a thousand that waited are delivered for a handful of rows, and their table is gone", async () => {
  await world.disconnect();
  for (let from = 0; from < 1_000; from += 50) {
    const numbers = Array.from({ length: 50 }, (_v, index) => from + index);
    await Promise.all(
      numbers.map((number) => deliver(world.edge, webhook(number, `shop:${number % 20}`))),
    );
  }
  expect((await world.health()).spooled).toBe(1_000);
  await world.faults.rowsWritten();
  await world.connect();
  await drained();
  expect(world.core.deliveries).toHaveLength(1_000);
  // The connect too is among these.
  expect(await world.faults.rowsWritten()).toBeLessThanOrEqual(20);
  expect(world.ledger.doubled).toEqual([]);
  // Evicting waits for what is to be written within seconds.
  await evictRelay(world.edge);
  expect(await tables()).toEqual([]);
  for (let lane = 0; lane < 20; lane += 1) {
    const order = world.ledger.order
      .map((id) => Number(id.slice(5)))
      .filter((n) => n % 20 === lane);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  }
});

test("making and dropping the table of an hour costs next to nothing", async () => {
  await world.disconnect();
  await world.faults.rowsWritten();
  await deliver(world.edge, webhook(1));
  const first = await world.faults.rowsWritten();
  expect(first).toBeLessThanOrEqual(1 + 3);
  await world.connect();
  await drained();
  const connecting = await world.faults.rowsWritten();
  await evictRelay(world.edge);
  expect(await tables()).toEqual([]);
  expect(await world.faults.rowsWritten()).toBe(0);
  expect(connecting).toBeLessThanOrEqual(10);
});

test("each hour has its own table, and order is kept over them", async () => {
  await world.disconnect();
  for (const [number, hours] of [
    [1, 0],
    [2, 1],
    [3, 2],
  ] as const) {
    await world.faults.setClock(hours * 3_600_000);
    await deliver(world.edge, webhook(number, "shop"));
  }
  expect(await tables()).toHaveLength(3);
  await evictRelay(world.edge);
  await world.connect();
  await drained();
  expect(world.ledger.order).toEqual(["shop:1", "shop:2", "shop:3"]);
  await evictRelay(world.edge);
  expect(await tables()).toEqual([]);
});

test("what was delivered before the relay was evicted is not delivered again", async () => {
  core = ({ id }) =>
    id === "shop:3"
      ? Promise.reject(new GatewayError("overloaded", "later", { retryAfterMs: 3_600_000 }))
      : Promise.resolve(world.ledger.commit(id));
  await world.disconnect();
  for (const number of [1, 2, 3, 4]) await deliver(world.edge, webhook(number));
  await world.connect();
  await until(async () => (await world.health()).spooled === 1);
  await evictRelay(world.edge);
  expect((await world.health()).spooled).toBe(1);
  expect((await list("state=waiting")).items).toMatchObject([{ id: "shop:3", attempts: 1 }]);
});

test("webhooks of an older version are delivered in their order, and its tables are gone", async () => {
  await world.disconnect();
  await world.faults.query(`CREATE TABLE spool (
    seq INTEGER PRIMARY KEY, id TEXT, route TEXT, lane TEXT, received_at INTEGER,
    request_id TEXT, headers TEXT, attempts INTEGER, next_at INTEGER, dead TEXT,
    size INTEGER, chunks INTEGER, body BLOB)`);
  await world.faults.query(`CREATE TABLE spool_chunk (
    seq INTEGER, part INTEGER, bytes BLOB, PRIMARY KEY (seq, part)) WITHOUT ROWID`);
  const insert = (seq: number, dead: string | null, chunks: number): Promise<unknown> =>
    world.faults.query(
      `INSERT INTO spool VALUES (${seq}, 'shop:${seq}', 'shop', 'lane', ${Date.now()}, 'request-${seq}',
       '[["x-shop","yes"]]', 2, 0, ${dead === null ? "NULL" : `'${dead}'`}, 10, ${chunks}, x'6162')`,
    );
  await insert(1, null, 0);
  await insert(2, "poison", 0);
  await insert(3, null, 1);
  await world.faults.query("INSERT INTO spool_chunk VALUES (3, 1, x'6364')");
  await evictRelay(world.edge);
  expect((await world.health()).spooled).toBe(2);
  // What comes now waits behind them.
  await deliver(world.edge, webhook(4, "lane"));
  await world.connect();
  await drained();
  const got = world.core.deliveries.map(({ id, body, headers, requestId }) => [
    id,
    Buffer.from(body).toString(),
    headers.get("x-shop"),
    requestId,
  ]);
  expect(got).toMatchObject([
    ["shop:1", "ab", "yes", "request-1"],
    ["shop:3", "abcd", "yes", "request-3"],
    ["shop:4", "{}", null, expect.any(String)],
  ]);
  expect((await list("state=dead")).items).toMatchObject([
    { id: "shop:2", reason: "poison", attempts: 2 },
  ]);
  await evictRelay(world.edge);
  expect(await tables()).toEqual([]);
});

test("empty tables of an older version are gone when the relay wakes", async () => {
  await world.faults.query(
    "CREATE TABLE spool (seq INTEGER PRIMARY KEY, id TEXT, route TEXT, lane TEXT, received_at INTEGER, request_id TEXT, headers TEXT, attempts INTEGER, next_at INTEGER, dead TEXT, size INTEGER, chunks INTEGER, body BLOB)",
  );
  await world.faults.query(
    "CREATE TABLE spool_chunk (seq INTEGER, part INTEGER, bytes BLOB, PRIMARY KEY (seq, part)) WITHOUT ROWID",
  );
  await evictRelay(world.edge);
  expect(await tables()).toEqual([]);
});

test("waiting webhooks and dead letters are listed by state and route, a page at a time", async () => {
  core = ({ route }) =>
    route === "bad"
      ? Promise.reject(new GatewayError("invalid_request", "no such thing"))
      : Promise.reject(new GatewayError("overloaded", "later", { retryAfterMs: 3_600_000 }));
  await world.disconnect();
  for (const number of [1, 2, 3]) await deliver(world.edge, { ...webhook(number), body: "hello" });
  await deliver(world.edge, { ...webhook(4), route: "bad" });
  await world.connect();
  await until(async () => (await list("state=dead")).items.length === 1);
  expect((await list("state=dead")).items).toMatchObject([
    { id: "shop:4", route: "bad", state: "dead", reason: "no such thing", verified: "github" },
  ]);
  const first = await list("limit=2");
  expect(first.items.map(({ id }) => id)).toEqual(["shop:1", "shop:2"]);
  const rest = await list(`limit=2&after=${first.next ?? 0}`);
  expect([rest.items.map(({ id }) => id), rest.next]).toEqual([["shop:3"], null]);
  expect((await list("route=bad")).items).toEqual([]);
  const seq = first.items[0]?.seq ?? 0;
  expect(await ask("GET", `/spool/${seq}`)).toMatchObject({
    id: "shop:1",
    lanes: ["shop:1"],
    items: [{ id: "shop:1", lane: "shop:1" }],
    body: Buffer.from("hello").toString("base64"),
    truncated: false,
  });
  await expect(ask("GET", "/spool/1")).rejects.toThrow("404");
});

test("dead letters wait again when they are replayed, and are forgotten when they are dropped", async () => {
  let poison = true;
  core = ({ id }) =>
    poison
      ? Promise.reject(new GatewayError("invalid_request", "a bug of ours"))
      : Promise.resolve(world.ledger.commit(id));
  await world.disconnect();
  for (const number of [1, 2, 3]) {
    await deliver(world.edge, { ...webhook(number), body: "x".repeat(1_600_000) });
  }
  await world.connect();
  await drained();
  const dead = (await list("state=dead")).items;
  expect(dead.map(({ id }) => id)).toEqual(["shop:1", "shop:2", "shop:3"]);
  // A dead letter is known: its sender may send it as often as it likes.
  expect(await deliver(world.edge, webhook(3))).toEqual({ result: "duplicate" });
  poison = false;
  const [first, second, third] = dead;
  expect(await ask("POST", "/spool/replay", { seqs: [first?.seq, 12345] })).toEqual({
    replayed: 1,
  });
  await drained();
  expect(world.ledger.order).toEqual(["shop:1"]);
  expect(world.core.deliveries.at(-1)?.body.byteLength).toBe(1_600_000);
  expect(await ask("POST", "/spool/drop", { seqs: [third?.seq] })).toEqual({ dropped: 1 });
  // Dropped, it is not known any more, and may come again.
  expect(await deliver(world.edge, webhook(3))).toEqual({ result: "committed" });
  expect(await ask("POST", "/spool/replay", { route: "other" })).toEqual({ replayed: 0 });
  expect(await ask("POST", "/spool/replay", { route: second?.route })).toEqual({ replayed: 1 });
  await drained();
  expect((await list("state=dead")).items).toEqual([]);
  expect(await ask("POST", "/spool/drop", { all: true })).toEqual({ dropped: 0 });
});

test.each([
  ["POST", "/spool/replay", {}, 422],
  ["POST", "/spool/replay", { seqs: ["1"] }, 422],
  ["POST", "/spool/drop", { all: false }, 422],
  ["GET", "/spool?state=gone", undefined, 422],
  ["GET", "/spool?limit=-1", undefined, 422],
  ["GET", "/spool/abc", undefined, 404],
  ["DELETE", "/spool/1", undefined, 404],
  ["GET", "/spoolx", undefined, 404],
])("%s %s of %j is answered %i", async (method, path, body, status) => {
  expect((await world.core.tunnel.request(undefined, method, path, body)).status).toBe(status);
});

test("a webhook that waits for three days is a dead letter, and one of two weeks is gone", async () => {
  await world.disconnect();
  await deliver(world.edge, webhook(1));
  const day = 24 * 3_600_000;
  await world.faults.setClock(3 * day + 1_000);
  await world.faults.ringAlarm();
  expect((await world.health()).spooled).toBe(0);
  await world.connect();
  expect((await list("state=dead")).items).toMatchObject([
    { id: "shop:1", reason: "waited too long for a core" },
  ]);
  await world.disconnect();
  await world.faults.setClock(17 * day + 2_000);
  await world.faults.ringAlarm();
  await world.connect();
  expect((await list("state=dead")).items).toEqual([]);
  expect(await deliver(world.edge, webhook(1))).toEqual({ result: "committed" });
});

test("a row that cannot be read is put aside, and the others of its lane go on", async () => {
  await world.disconnect();
  for (const number of [1, 2]) await deliver(world.edge, webhook(number, "lane"));
  const [table] = await tables();
  await world.faults.query(`UPDATE ${table ?? ""} SET head = 'no json' WHERE id = 'shop:1'`);
  await world.connect();
  await drained();
  expect(world.ledger.order).toEqual(["shop:2"]);
  const [letter] = (await list("state=dead")).items;
  expect(letter).toMatchObject({ route: "shop", state: "dead", reason: "cannot be read" });
  const { seq } = letter ?? {};
  expect(await ask("POST", "/spool/drop", { seqs: [seq] })).toEqual({ dropped: 1 });
});

test("a webhook that is refused for want of room may come again when there is some", async () => {
  await world.disconnect();
  await world.faults.setLimits({ maxSpoolBytes: 1_000 });
  expect((await callRelay(world.edge, { ...webhook(1), body: "x".repeat(1_001) })).status).toBe(
    503,
  );
  expect((await callRelay(world.edge, { ...webhook(1), body: "x" })).status).toBe(200);
});
