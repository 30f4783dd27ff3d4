/** What strangers, and senders with far too much to say, may fill of the spool. */
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import type { Delivered, Delivery } from "../../core/tunnel/handlers.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
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

const Listing = z.object({
  items: z.array(z.object({ id: z.string() })),
  next: z.int().nullable(),
});

async function deadIds(): Promise<string[]> {
  const ids: string[] = [];
  for (let after: number | null = 0; after !== null;) {
    const path = `/spool?state=dead&limit=500&after=${after}`;
    const answer = await world.core.tunnel.request(undefined, "GET", path);
    const { items, next } = Listing.parse(answer.body);
    ids.push(...items.map(({ id }) => id));
    after = next;
  }
  return ids;
}

test("what nobody has signed cannot push out the dead letters of those who have", async () => {
  core = () => Promise.reject(new GatewayError("invalid_request", "no"));
  await world.disconnect();
  await deliver(world.edge, webhook(1));
  const strangers = 700;
  for (let from = 0; from < strangers; from += 50) {
    const some = Array.from({ length: 50 }, (_v, index) => `open:${from + index}`);
    await Promise.all(
      some.map((id) => deliver(world.edge, { route: "open", items: [[id, "open"]], verified: "" })),
    );
  }
  await world.connect();
  await until(async () => (await world.health()).spooled === 0, { patienceMs: 30_000 });
  const dead = await deadIds();
  expect(dead).toContain("shop:1");
  expect(dead.length).toBeLessThanOrEqual(1 + 500);
  expect(dead).toContain(`open:${strangers - 1}`);
});

test("a credential that waits for the core to check it is shown to nobody", async () => {
  await world.disconnect();
  const secret = "Bearer shown-to-nobody";
  await deliver(world.edge, { ...webhook(1), verified: "", headers: { Authorization: secret } });
  let given: string | null = "";
  core = ({ headers }) => {
    given = headers.get("Authorization");
    return Promise.reject(new GatewayError("invalid_request", "no"));
  };
  await world.connect();
  await until(async () => (await deadIds()).length === 1);
  const list = await world.core.tunnel.request(undefined, "GET", "/spool?state=dead");
  const [letter] = z.object({ items: z.array(z.object({ seq: z.int() })) }).parse(list.body).items;
  const shown = await world.core.tunnel.request(undefined, "GET", `/spool/${letter?.seq}`);
  expect(JSON.stringify(shown.body)).not.toContain("shown-to-nobody");
  expect(shown.body).toMatchObject({
    headers: expect.arrayContaining([["authorization", "(not shown)"]]),
  });
  // The core has had it, for it to check.
  expect(given).toBe(secret);
});

test("bodies under way have a limit together, also when none says in a header how long it is", async () => {
  const gate = Promise.withResolvers<Delivered>();
  let held = 0;
  core = () => {
    held += 1;
    return gate.promise;
  };
  const long = { bytes: 25 * 1024 * 1024 };
  const both = [1, 2].map((number) => callRelay(world.edge, { ...webhook(number), ...long }));
  await until(() => held === 2);
  expect((await callRelay(world.edge, { ...webhook(3), ...long })).status).toBe(503);
  gate.resolve("committed");
  for (const response of await Promise.all(both)) expect(response.status).toBe(200);
  expect((await callRelay(world.edge, { ...webhook(3), ...long })).status).toBe(200);
});

test("events count against the room of the spool, however few webhooks they come in", async () => {
  await world.disconnect();
  const perWebhook = LIMITS.maxWebhookItems;
  const fit = Math.floor(LIMITS.maxSpoolItems / perWebhook);
  let taken = 0;
  let status = 200;
  for (let number = 0; number <= fit && status === 200; number += 1) {
    const items = Array.from({ length: perWebhook }, (_v, index) => {
      const id = `shop:${number}.${index}`;
      return [id, id] as const;
    });
    const response = await callRelay(world.edge, { items });
    status = response.status;
    await response.text();
    taken += Number(response.ok);
  }
  expect([status, taken]).toEqual([503, fit]);
  const [first] = [webhook(1)];
  expect((await callRelay(world.edge, first)).status).toBe(200);
});
