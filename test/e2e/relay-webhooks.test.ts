/** What the relay does with a webhook, by its mode and by what it knows of it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import type { Delivery, Delivered } from "../../core/tunnel/handlers.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import { evictRelay } from "../support/evict.ts";
import { type CalledWebhook, callRelay, deliver, webhook } from "../support/relay-calls.ts";
import { startWorld, type World } from "./failures/world.ts";
import { until } from "../support/until.ts";

/** What the core does with what it gets; each test says it anew. */
let core: (delivery: Delivery) => Promise<Delivered>;
let world: World;

beforeEach(async () => {
  core = ({ id }) => Promise.resolve(world.ledger.commit(id));
  world = await startWorld({ deliver: (delivery) => core(delivery) });
});
afterEach(() => world[Symbol.asyncDispose]());

const WebhookState = z.object({
  spooled: z.int(),
  bytes: z.int(),
  dead: z.int(),
  oldestAt: z.number().nullable(),
  unverified: z.int(),
  accepted: z.int(),
  duplicates: z.int(),
  spooledTotal: z.int(),
  refused: z.record(z.string(), z.int()),
});

async function webhookState(): Promise<z.output<typeof WebhookState>> {
  const { body } = await world.core.tunnel.request(undefined, "GET", "/state");
  return z.object({ webhooks: WebhookState }).parse(body).webhooks;
}

function unverified(number: number): CalledWebhook {
  return { ...webhook(number), verified: "" };
}

/** One whose route wants to be told of an outage of a minute. */
function alerted(number: number): CalledWebhook {
  return { ...webhook(number), outageAfterMs: 60_000 };
}

const spooled = async (): Promise<number> => (await world.health()).spooled;

/** Resolves once nothing waits. */
async function drained(): Promise<void> {
  await until(async () => (await spooled()) === 0);
}

test("a webhook that the core takes at once is committed, and nothing of it is kept", async () => {
  expect(await deliver(world.edge, webhook(1))).toEqual({ result: "committed" });
  expect(await spooled()).toBe(0);
  expect(world.core.deliveries[0]).toMatchObject({
    id: "shop:1",
    items: [{ id: "shop:1", lane: "shop:1" }],
    verified: "github",
    ip: "192.0.2.1",
    syncMs: 0,
    attempts: 0,
  });
});

test("a durable webhook is written down before the core has it, and then brought to it", async () => {
  const gate = Promise.withResolvers<Delivered>();
  core = () => gate.promise;
  const durable = { ...webhook(1), mode: "durable" } as const;
  expect(await deliver(world.edge, durable)).toEqual({ result: "spooled" });
  expect(await spooled()).toBe(1);
  gate.resolve("committed");
  await drained();
  expect(world.core.deliveries.map(({ id }) => id)).toEqual(["shop:1"]);
});

test("a sender that waits is told what the core answers", async () => {
  const body = new Uint8Array([0, 200, 10]);
  core = (delivery) => {
    expect(delivery.syncMs).toBeGreaterThan(0);
    expect(delivery.syncMs).toBeLessThan(2_000);
    return Promise.resolve({ status: 201, contentType: "application/json", body });
  };
  const sync = { ...webhook(1), mode: "sync", syncMs: 2_000 } as const;
  const { result, ...rest } = await deliver(world.edge, sync);
  expect([result, rest.sync?.status, rest.sync?.contentType]).toEqual([
    "committed",
    201,
    "application/json",
  ]);
  expect([...Buffer.from(rest.sync?.body ?? "", "base64url")]).toEqual([...body]);
});

test("a core that is too late for a sender that waits gets the webhook again, without haste", async () => {
  const seen: number[] = [];
  const late = Promise.withResolvers<Delivered>();
  core = ({ id, syncMs }) => {
    seen.push(syncMs);
    return seen.length === 1 ? late.promise : Promise.resolve(world.ledger.commit(id));
  };
  const sync = { ...webhook(1), mode: "sync", syncMs: 600 } as const;
  expect(await deliver(world.edge, sync)).toEqual({ result: "spooled" });
  late.resolve("committed");
  await world.faults.ringAlarm();
  await drained();
  expect(seen).toEqual([350, 0]);
});

test("without a core a sender that waits is answered at once, and the webhook is kept", async () => {
  await world.disconnect();
  const sync = { ...webhook(1), mode: "sync", syncMs: 30_000 } as const;
  expect(await deliver(world.edge, sync)).toEqual({ result: "spooled" });
  await world.connect();
  await world.settled();
});

test("a webhook with several events waits behind each of their lanes, and they behind it", async () => {
  await world.disconnect();
  const lanes: [number, string[]][] = [
    [1, ["a"]],
    [2, ["b"]],
    [3, ["a", "b"]],
    [4, ["b", "c"]],
    [5, ["c"]],
    [6, ["d"]],
  ];
  for (const [number, names] of lanes) {
    const items = names.map((lane) => [`${number}${lane}`, lane] as const);
    await deliver(world.edge, { items });
  }
  await world.connect();
  await drained();
  const order = world.core.deliveries.map(({ id }) => id);
  expect(order.toSorted()).toEqual(["1a", "2b", "3a+3b", "4b+4c", "5c", "6d"]);
  const rank = (id: string): number => order.indexOf(id);
  for (const [before, after] of [
    ["1a", "3a+3b"],
    ["2b", "3a+3b"],
    ["3a+3b", "4b+4c"],
    ["4b+4c", "5c"],
  ] as const) {
    expect(rank(before)).toBeLessThan(rank(after));
  }
});

test("a lane that is stuck blocks itself alone", async () => {
  const tried: string[] = [];
  core = ({ id, items }) => {
    tried.push(id);
    return items[0]?.lane === "stuck"
      ? Promise.reject(new GatewayError("overloaded", "later", { retryAfterMs: 3_600_000 }))
      : Promise.resolve(world.ledger.commit(id));
  };
  await world.disconnect();
  for (const number of [1, 2, 3]) await deliver(world.edge, webhook(number, "stuck"));
  for (const number of [4, 5, 6]) await deliver(world.edge, webhook(number));
  await world.connect();
  await until(async () => (await spooled()) === 3);
  expect(world.ledger.order.toSorted()).toEqual(["shop:4", "shop:5", "shop:6"]);
  // What comes now for that lane waits behind it; for the others it does not.
  expect(await deliver(world.edge, webhook(7, "stuck"))).toEqual({ result: "spooled" });
  expect(await deliver(world.edge, webhook(8))).toEqual({ result: "committed" });
  const both = { items: [["shop:9", "free"] as const, ["shop:10", "stuck"] as const] };
  expect(await deliver(world.edge, both)).toEqual({ result: "spooled" });
  expect(tried.toSorted()).toEqual(["shop:1", "shop:4", "shop:5", "shop:6", "shop:8"]);
});

test("an answer that comes after the relay has slept counts", async () => {
  const gate = Promise.withResolvers<Delivered>();
  let tries = 0;
  core = () => {
    tries += 1;
    return gate.promise;
  };
  await deliver(world.edge, { ...webhook(1), mode: "durable" });
  await until(() => tries === 1);
  await evictRelay(world.edge);
  expect(await spooled()).toBe(1);
  gate.resolve("committed");
  await drained();
  expect(tries).toBe(1);
  expect(await deliver(world.edge, webhook(1))).toEqual({ result: "duplicate" });
});

test("a webhook that the core never answers is sent again, and its lane goes on", async () => {
  let tries = 0;
  core = ({ id }) => {
    tries += 1;
    return tries === 1
      ? Promise.withResolvers<Delivered>().promise
      : Promise.resolve(world.ledger.commit(id));
  };
  for (const number of [1, 2]) {
    await deliver(world.edge, { ...webhook(number, "lane"), mode: "durable" });
  }
  await until(() => tries === 1);
  // It is given up, and after a while tried again.
  for (const aheadMs of [31_000, 33_000]) {
    await world.faults.setClock(aheadMs);
    await world.faults.ringAlarm();
  }
  await drained();
  expect(world.ledger.order).toEqual(["shop:1", "shop:2"]);
});

test("what is known is not taken twice: with the core, waiting, or asleep in between", async () => {
  await deliver(world.edge, webhook(1));
  expect(await deliver(world.edge, webhook(1))).toEqual({ result: "duplicate" });
  // All that is left of the first is what the core's socket carries.
  await evictRelay(world.edge);
  expect(await deliver(world.edge, webhook(1))).toEqual({ result: "duplicate" });
  expect(world.core.deliveries).toHaveLength(1);
  await world.disconnect();
  // And now what was written when that socket went.
  expect(await deliver(world.edge, webhook(1))).toEqual({ result: "duplicate" });
  expect((await deliver(world.edge, webhook(2))).result).toBe("spooled");
  expect(await deliver(world.edge, webhook(2))).toEqual({ result: "duplicate" });
  await evictRelay(world.edge);
  for (const number of [1, 2]) {
    expect(await deliver(world.edge, webhook(number))).toEqual({ result: "duplicate" });
  }
  await world.connect();
  await drained();
  expect(await deliver(world.edge, webhook(2))).toEqual({ result: "duplicate" });
  expect(world.ledger.order).toEqual(["shop:1", "shop:2"]);
});

test("a webhook with one event that is new is delivered whole", async () => {
  await deliver(world.edge, webhook(1));
  const mixed = { items: [["shop:1", "shop:1"] as const, ["shop:2", "shop:2"] as const] };
  expect(await deliver(world.edge, mixed)).toEqual({ result: "committed" });
  expect(await deliver(world.edge, mixed)).toEqual({ result: "duplicate" });
  expect(await deliver(world.edge, webhook(2))).toEqual({ result: "duplicate" });
});

test("what was refused or never answered is not known: it may come again", async () => {
  core = () => Promise.reject(new GatewayError("invalid_request", "poison"));
  expect((await callRelay(world.edge, webhook(1))).status).toBe(400);
  core = ({ id }) => Promise.resolve(world.ledger.commit(id));
  expect(await deliver(world.edge, webhook(1))).toEqual({ result: "committed" });
});

test("a webhook nobody has verified makes no genuine one a duplicate", async () => {
  await deliver(world.edge, { ...webhook(1), verified: "" });
  await deliver(world.edge, webhook(1));
  // The core alone has decided: it got both.
  expect(world.core.deliveries.map(({ verified }) => verified)).toEqual(["", "github"]);
});

test("webhooks nobody has verified fill their own small part of the spool, not that of the others", async () => {
  await world.disconnect();
  await world.faults.setLimits({ maxUnverifiedSpoolItems: 2 });
  for (const number of [1, 2]) await deliver(world.edge, unverified(number));
  const refused = await callRelay(world.edge, unverified(3));
  expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "60"]);
  for (const number of [4, 5, 6]) {
    expect((await deliver(world.edge, webhook(number))).result).toBe("spooled");
  }
  // The count outlives the relay's memory.
  await evictRelay(world.edge);
  expect((await callRelay(world.edge, unverified(7))).status).toBe(503);
  await world.connect();
  await drained();
  expect((await deliver(world.edge, unverified(8))).result).toBe("committed");
});

test("a route that takes so many takes no more, and says when", async () => {
  const rate = { perSecond: 0.5, burst: 2 };
  const send = (number: number, route: string): Promise<Response> =>
    callRelay(world.edge, { ...webhook(number), route, rate });
  expect([(await send(1, "a")).status, (await send(2, "a")).status]).toEqual([200, 200]);
  const refused = await send(3, "a");
  expect([refused.status, refused.headers.get("X-Gw-Error")]).toEqual([429, "rate_limited"]);
  expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
  // Another route has its own.
  expect((await send(4, "b")).status).toBe(200);
  expect((await webhookState()).refused).toEqual({ "a rate_limited": 1 });
});

test("an outage is told once, when it has lasted, and again only after a core was there", async () => {
  await world.disconnect();
  expect(await deliver(world.edge, alerted(1))).toEqual({ result: "spooled" });
  await world.faults.setClock(61_000);
  // Nobody asked to be told by this one.
  expect(await deliver(world.edge, webhook(2))).toEqual({ result: "spooled" });
  const { outageMs } = await deliver(world.edge, alerted(3));
  expect(outageMs).toBeGreaterThanOrEqual(60_000);
  await evictRelay(world.edge);
  expect(await deliver(world.edge, alerted(4))).toEqual({ result: "spooled" });
  await world.connect();
  await drained();
  await world.disconnect();
  expect(await deliver(world.edge, alerted(5))).toEqual({ result: "spooled" });
  await world.faults.setClock(130_000);
  expect((await deliver(world.edge, alerted(6))).outageMs).toBeGreaterThanOrEqual(60_000);
});

test("counts of webhooks and of what isolates have refused are told, and outlive a sleep", async () => {
  const refused = [
    { route: "shop", reason: "mismatch", count: 3 },
    { route: "shop", reason: "stale", count: 1 },
  ];
  await deliver(world.edge, { ...webhook(1), refused });
  await deliver(world.edge, { ...webhook(1), refused: refused.slice(0, 1) });
  await deliver(world.edge, { ...webhook(2), mode: "durable" });
  await drained();
  const expected = {
    spooled: 0,
    bytes: 0,
    dead: 0,
    oldestAt: null,
    unverified: 0,
    accepted: 2,
    duplicates: 1,
    spooledTotal: 1,
    refused: { "shop mismatch": 6, "shop stale": 1 },
  };
  expect(await webhookState()).toEqual(expected);
  await evictRelay(world.edge);
  expect(await webhookState()).toEqual(expected);
});

test("a webhook of an event too many for one head is no reason to hang", async () => {
  const items = Array.from({ length: LIMITS.maxWebhookItems }, (_v, index) => {
    return [`shop:${index}:${"x".repeat(100)}`, `shop:${index}`] as const;
  });
  expect((await deliver(world.edge, { items })).result).toBe("committed");
  expect(world.core.deliveries[0]?.items).toHaveLength(LIMITS.maxWebhookItems);
  await world.disconnect();
  // Longer than a head may be: it can never be sent, and nothing waits for it.
  const tooLong = items.map(([id, lane]) => [`${id}${"y".repeat(500)}`, lane] as const);
  await deliver(world.edge, { items: tooLong });
  await world.connect();
  await drained();
  expect((await webhookState()).dead).toBe(1);
});
