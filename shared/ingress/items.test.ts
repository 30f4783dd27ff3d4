import { expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import { LIMITS } from "../limits.ts";
import { sha256 } from "./crypto.ts";
import { deliveryOf, itemId, itemsOf, laneOf } from "./items.ts";

const route = { name: "orders", dedupe: "id" } as const;
const webhook = { body: utf8('{"a":1}'), headers: new Headers() };
const bodyHash = await sha256(webhook.body);

test.each([
  ["a plain one", "evt_1", "orders:evt_1"],
  ["a number", 17, "orders:17"],
  ["the longest", "x".repeat(200), `orders:${"x".repeat(200)}`],
  ["one too long", "x".repeat(201), `orders:${await sha256(utf8("x".repeat(201)))}`],
  ["one with a space", "a b", `orders:${await sha256(utf8("a b"))}`],
  ["one with a line break", "a\r\nb", `orders:${await sha256(utf8("a\r\nb"))}`],
  ["one that is not ASCII", "schl\u00fcssel", `orders:${await sha256(utf8("schl\u00fcssel"))}`],
])("an id that is %s names the event within its route", async (_name, vendorId, id) => {
  expect(await itemId("orders", vendorId)).toBe(id);
});

test.each([
  ["nothing", undefined, "orders"],
  ["empty", "", "orders"],
  ["zero", 0, "orders:0"],
  ["a name", "chat-1", "orders:chat-1"],
  ["a line break", "\n", `orders:${await sha256(utf8("\n"))}`],
])("a conversation that is %s is a lane", async (_name, conversation, lane) => {
  expect(await laneOf("orders", conversation)).toBe(lane);
});

test("one event is the delivery", async () => {
  const items = await itemsOf("orders", [{ id: "e1", conversation: "c1", value: { a: 1 } }]);
  expect(items).toEqual([{ id: "orders:e1", lane: "orders:c1", value: { a: 1 } }]);
  expect(await deliveryOf(route, items, webhook)).toEqual({
    id: "orders:e1",
    items: [{ id: "orders:e1", lane: "orders:c1" }],
  });
});

test("several events make the name of the delivery together", async () => {
  const items = await itemsOf("orders", [{ id: "e1" }, { id: "e2", conversation: "c" }]);
  expect(await deliveryOf(route, items, webhook)).toEqual({
    id: `orders:${await sha256(utf8("orders:e1\norders:e2"))}`,
    items: [
      { id: "orders:e1", lane: "orders" },
      { id: "orders:e2", lane: "orders:c" },
    ],
  });
});

test("where equal bodies are one event, ids do not count, lanes do", async () => {
  const byBody = { ...route, dedupe: "body" } as const;
  const one = await itemsOf("orders", [{ id: "e1", conversation: "c" }]);
  expect(await deliveryOf(byBody, one, webhook)).toEqual({
    id: `orders:${bodyHash}`,
    items: [{ id: `orders:${bodyHash}`, lane: "orders:c" }],
  });
  const two = await itemsOf("orders", [{ id: "e1" }, { id: "e2" }]);
  const { id, items } = await deliveryOf(byBody, two, webhook);
  expect(items.map((item) => item.id)).toEqual([`orders:${bodyHash}.0`, `orders:${bodyHash}.1`]);
  expect(id).toBe((await deliveryOf(byBody, [...two].toReversed(), webhook)).id);
});

test.each([
  ["one too many", LIMITS.maxWebhookItems + 1, "e"],
  ["names too long together", 250, "x".repeat(190)],
  ["none", 0, ""],
])("%s: the webhook is one event by its body", async (_name, count, id) => {
  const events = Array.from({ length: count }, (_, index) => ({ id: `${id}${index}` }));
  const items = await itemsOf("orders", events);
  expect(await deliveryOf(route, items, webhook)).toEqual({
    id: `orders:${bodyHash}`,
    items: [{ id: `orders:${bodyHash}`, lane: "orders" }],
  });
});

test("as many as there may be keep their names", async () => {
  const events = Array.from({ length: LIMITS.maxWebhookItems }, (_, index) => ({ id: index }));
  const { items } = await deliveryOf(route, await itemsOf("orders", events), webhook);
  expect(items).toHaveLength(LIMITS.maxWebhookItems);
});

test.each([
  ["is there", { "x-shop": "berlin" }, "orders:berlin"],
  ["is not there", {}, "orders"],
])(
  "a header of the route that %s makes the lane of events that have none",
  async (_n, given, lane) => {
    const laned = { ...route, laneHeader: "x-shop" };
    const items = await itemsOf("orders", [{ id: "e1" }, { id: "e2", conversation: "c" }]);
    const named = await deliveryOf(laned, items, { ...webhook, headers: new Headers(given) });
    expect(named.items.map((item) => item.lane)).toEqual([lane, "orders:c"]);
  },
);
