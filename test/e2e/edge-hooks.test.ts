import { afterAll, beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge, type EdgeWithCore, startEdgeWithCore } from "../support/edge-with-core.ts";
import { startEdge } from "../support/edge.ts";
import { connectCore, TOKENS } from "../support/tunnel-core.ts";

let world: EdgeWithCore;

beforeAll(async () => {
  world = await startEdgeWithCore();
});
afterAll(() => world[Symbol.asyncDispose]());

const SIGNED = { "X-Telegram-Bot-Api-Secret-Token": TOKENS.telegram };

function update(id: number, chat = 42): string {
  return JSON.stringify({ update_id: id, message: { chat: { id: chat }, text: "hi" } });
}

test("a Telegram update is with the core before it is answered, and the answer is empty", async () => {
  const before = world.core.deliveries.length;
  const response = await world.call("/hooks/telegram", {
    method: "POST",
    headers: { ...SIGNED, "Content-Type": "application/json", Cookie: "a=1" },
    body: update(7),
  });
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("");
  expect(world.core.deliveries.length).toBe(before + 1);
  const delivery = world.core.deliveries.at(-1);
  expect(delivery).toMatchObject({
    id: "telegram:7",
    items: [{ id: "telegram:7", lane: "telegram:42" }],
    route: "telegram",
    verified: "telegram",
  });
  expect(new TextDecoder().decode(delivery?.body)).toBe(update(7));
  expect(delivery?.headers.get("Content-Type")).toBe("application/json");
  // Nothing that opens a door travels on or is stored.
  expect(delivery?.headers.has("X-Telegram-Bot-Api-Secret-Token")).toBe(false);
  expect(delivery?.requestId).toBe(response.headers.get("X-Request-Id"));
});

test.each<[string, Record<string, string>]>([
  ["Authorization", { Authorization: `Bearer ${TOKENS.hook}` }],
  ["X-OpenClaw-Token", { "X-OpenClaw-Token": TOKENS.hook }],
])("a webhook of our own is let in by %s and told its run", async (_name, headers) => {
  const response = await world.call("/hooks/agent", {
    method: "POST",
    headers: { ...headers, "Idempotency-Key": "order-1" },
    body: '{"message":"hi"}',
  });
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ ok: true, runId: "agent:order-1" });
});

test("a missing and a wrong secret look the same, and nothing reaches the core", async () => {
  const before = world.core.deliveries.length;
  const answers = await Promise.all(
    [{}, { ...SIGNED, "X-Telegram-Bot-Api-Secret-Token": "wrong" }].map(async (headers) => {
      const response = await world.call("/hooks/telegram", {
        method: "POST",
        headers: { ...headers, "X-Request-Id": "same-for-both" },
        body: update(8),
      });
      return { status: response.status, body: await response.text() };
    }),
  );
  expect(answers[0]?.status).toBe(401);
  expect(answers[1]).toEqual(answers[0]);
  expect(world.core.deliveries.length).toBe(before);
});

test.each<[string, string, RequestInit, number]>([
  ["an unknown route", "/hooks/nobody", { body: "{}" }, 404],
  ["a name that is part of every object", "/hooks/constructor", { body: "{}" }, 404],
  ["a body that is no update", "/hooks/telegram", { headers: SIGNED, body: "hello" }, 400],
  [
    "a body longer than the route allows",
    "/hooks/agent",
    { headers: { Authorization: `Bearer ${TOKENS.hook}` }, body: "a".repeat(1025) },
    413,
  ],
])("%s is refused", async (_name, path, init, status) => {
  expect((await world.call(path, { method: "POST", ...init })).status).toBe(status);
});

test("a body of unknown length is refused where the route's limit is", async () => {
  let parts = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      parts += 1;
      if (parts > 1_000) controller.close();
      else controller.enqueue(new Uint8Array(1024));
    },
  });
  const response = await world.call("/hooks/agent", {
    method: "POST",
    headers: { Authorization: `Bearer ${TOKENS.hook}` },
    body,
    duplex: "half",
  });
  expect(response.status).toBe(413);
});

test("an edge that never met a core asks the sender to come back", async () => {
  await using edge = await startEdge();
  const response = await callEdge(edge.url, "/hooks/telegram", { method: "POST", body: "{}" });
  expect(response.status).toBe(503);
  expect(response.headers.get("Retry-After")).toBe("5");
});

test("a webhook that comes while the core is away is kept, and handed over once when it is back", async () => {
  const pairing = randomToken();
  const shelf = new Map<string, string>();
  await using edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  const options = { edge: edge.url, pairing: new Secret(pairing), shelf };
  const first = await connectCore(options);
  await first[Symbol.asyncDispose]();

  for (const id of [1, 2, 2]) {
    const init = { method: "POST", headers: SIGNED, body: update(id) };
    expect((await callEdge(edge.url, "/hooks/telegram", init)).status).toBe(200);
  }
  await using second = await connectCore(options);
  await second.delivered(2);
  expect(second.deliveries.map(({ id }) => id)).toEqual(["telegram:1", "telegram:2"]);
});
