import { expect, test } from "vitest";
import { utf8 } from "../../shared/bytes.ts";
import type { Channel, RawEvent } from "../channels/channel.ts";
import type { HookRequest } from "../conversation/engine.ts";
import { takeIn } from "./deliver.ts";

/** Remembers what it was handed, and knows every id once, as the inbox does. */
function inbox() {
  const taken: (HookRequest | { readonly source: string; readonly events: readonly RawEvent[] })[] =
    [];
  const known = new Set<string>();
  return {
    taken,
    async acceptHook(request: HookRequest) {
      if (known.has(request.id)) return false;
      known.add(request.id);
      taken.push(request);
      return true;
    },
    async accept(source: string, events: readonly RawEvent[]) {
      taken.push({ source, events });
      return events.length;
    },
  };
}

function post(route: string, body: unknown, id = "delivery-1") {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { id, route, lane: "lane-1", body: utf8(text) };
}

const wire: Pick<Channel, "id" | "read"> = {
  id: "wire",
  read: (body) => [{ id: `wire:${body.byteLength}`, lane: "wire:1", payload: { raw: true } }],
};

test("a webhook for the agent is kept as work, with what it may say and nothing else", async () => {
  const into = inbox();
  const body = {
    message: " hello ",
    name: "CI",
    deliver: true,
    channel: "telegram",
    to: "5",
    x: 1,
  };
  expect(await takeIn(post("agent", body), undefined, into)).toBe(true);
  expect(into.taken).toEqual([
    {
      id: "agent:delivery-1",
      lane: "lane-1",
      payload: {
        kind: "agent",
        message: "hello",
        name: "CI",
        deliver: true,
        channel: "telegram",
        to: "5",
      },
    },
  ]);
});

test("a wake-up is kept as work", async () => {
  const into = inbox();
  await takeIn(post("wake", { text: "mail", mode: "now" }), undefined, into);
  expect(into.taken).toMatchObject([{ payload: { kind: "wake", text: "mail" } }]);
});

test("the same delivery again is nothing new, and the same id on another route is", async () => {
  const into = inbox();
  const body = { message: "hello", text: "hello" };
  expect(await takeIn(post("agent", body), undefined, into)).toBe(true);
  expect(await takeIn(post("agent", body), undefined, into)).toBe(false);
  expect(await takeIn(post("wake", body), undefined, into)).toBe(true);
});

test.each<[string, string, unknown, string | undefined]>([
  ["not JSON", "agent", "{", undefined],
  ["no object", "agent", "[]", undefined],
  ["without a message", "agent", {}, "message"],
  ["with an empty message", "agent", { message: "  " }, "message"],
  ["for another agent", "agent", { message: "x", agentId: "nope" }, "agentId"],
  ["for a session it may not choose", "agent", { message: "x", sessionKey: "main" }, "sessionKey"],
  ["without a text", "wake", { message: "x" }, "text"],
])("a webhook that is %s is refused for good", async (_name, route, body, param) => {
  const into = inbox();
  await expect(takeIn(post(route, body), undefined, into)).rejects.toThrow(
    expect.objectContaining({ code: "invalid_request", param }),
  );
  expect(into.taken).toEqual([]);
});

test("a channel reads its own webhooks, under its own ids", async () => {
  const into = inbox();
  expect(await takeIn(post("wire", "12345"), wire, into)).toBe(true);
  expect(into.taken).toEqual([
    { source: "wire", events: [{ id: "wire:5", lane: "wire:1", payload: { raw: true } }] },
  ]);
});

test("a route that nobody serves is refused for good", async () => {
  await expect(takeIn(post("nope", {}), undefined, inbox())).rejects.toThrow(
    expect.objectContaining({ code: "not_found" }),
  );
});
