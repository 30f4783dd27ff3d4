import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { listening } from "../../test/support/http-upstream.ts";
import { says, waitsFor } from "../../test/support/scripted-model.ts";
import { startTelegramEngine } from "../../test/support/telegram-engine.ts";
import { webhookConfig, webhooksIn } from "../../test/support/webhook-config.ts";
import { fromUtf8, toHex, utf8 } from "../../shared/bytes.ts";
import { hmac } from "../../shared/ingress/crypto.ts";
import { systemClock } from "../channels/clock.ts";
import type { Delivery } from "../tunnel/handlers.ts";
import { WebhookDesk } from "./desk.ts";
import { forwarder } from "./forward/forward.ts";
import { FORWARD_SOURCE } from "../store/store.ts";
import { until } from "../../test/support/until.ts";

const SECRET = "a-secret-of-github";
const META = "a-secret-of-meta-0123";
const TO_CHAT = { channel: "telegram", to: "1" };

const WORLD = {
  fetch: (url: URL, init: RequestInit) => fetch(url, init),
  random: () => 0,
};

/** A desk with its engine, and settings that can be changed under it. */
async function world(routes: object) {
  let { ingress } = webhooksIn(webhookConfig(routes));
  const { now } = systemClock;
  const bot = await startTelegramEngine({
    handlers: (store, log) => {
      const parts = { ...WORLD, ingress: () => ingress, store, now, log };
      return new Map([[FORWARD_SOURCE, forwarder(parts)]]);
    },
  });
  onTestFinished(() => bot[Symbol.asyncDispose]());
  const { store, engine, channel, log } = bot;
  bot.fake.chats.add("1");
  const desk = new WebhookDesk({
    ingress: () => ingress,
    channel,
    store,
    engine,
    publicUrl: () => new URL("https://edge.example"),
    now,
    log,
  });
  return {
    ...bot,
    desk,
    /** Settles when the work of a webhook has ended. */
    async ended(id: string) {
      const over = new AbortController().signal;
      for (;;) {
        const changed = desk.changed(over);
        const found = await store.webhook(id);
        if (found?.endedAt !== undefined) return found;
        await changed;
      }
    },
    set(next: object) {
      ({ ingress } = webhooksIn(webhookConfig(next)));
    },
  };
}

function delivery(body: unknown, change: Partial<Delivery> = {}): Delivery {
  const id = change.id ?? "github:d1";
  return {
    id,
    route: "github",
    items: [{ id, lane: "github" }],
    receivedAt: Date.now(),
    requestId: "request-1",
    verified: "github",
    secret: 0,
    method: "POST",
    query: "",
    ip: "203.0.113.9",
    syncMs: 0,
    attempts: 0,
    headers: new Headers({
      "content-type": "application/json",
      "x-github-delivery": "d1",
      "x-github-event": "push",
    }),
    body: utf8(typeof body === "string" ? body : JSON.stringify(body)),
    ...change,
  };
}

const AGENT = { verify: "github", secret: SECRET, agent: { deliver: TO_CHAT } };

test("a webhook is a turn whose answer is sent, and one id goes through all of it", async () => {
  const w = await world({ github: AGENT });
  expect(await w.desk.take(delivery({ a: 1 }))).toBe("committed");
  await w.fake.until(() => w.fake.sent.length === 1);
  expect(await w.desk.take(delivery({ a: 1 }))).toBe("duplicate");
  const found = await w.ended("github:d1");
  expect(found).toMatchObject({
    state: "done",
    duplicates: 1,
    verifiedBy: "edge",
    scheme: "github",
  });
  const lines = w.logged().split("\n");
  for (const message of ["webhook accepted", "turn finished", "reply sent"]) {
    expect(lines.find((line) => line.includes(message))).toContain('"requestId":"request-1"');
  }
  const [work] = found.work;
  expect(work?.sessionKey).toBe("agent:main:hook:agent:github:d1");
});

test("what no case wants is kept and sets nothing off", async () => {
  const when = { path: "action", equals: "opened" };
  const w = await world({ github: { ...AGENT, when } });
  expect(await w.desk.take(delivery({ action: "closed" }))).toBe("committed");
  expect(await w.desk.take(delivery({ action: "closed" }))).toBe("duplicate");
  expect(await w.store.webhook("github:d1")).toMatchObject({ state: "filtered", duplicates: 1 });
  expect(w.model.requests).toEqual([]);
});

test("a route that is gone is refused for good, and one that changed works as it is now", async () => {
  const w = await world({ github: AGENT });
  w.set({});
  const gone = w.desk.take(delivery({}));
  await expect(gone).rejects.toMatchObject({ code: "not_found" });
  w.set({ github: { ...AGENT, agent: { template: "Now {{a}}" } } });
  await w.desk.take(delivery({ a: 5 }));
  await w.ended("github:d1");
  expect(w.model.requests[0]?.messages.at(-1)?.text).toMatch(/^Now \{\{a\}\}\n/);
});

async function signed(text: string, secret = SECRET): Promise<Headers> {
  const signature = toHex(await hmac("sha256", utf8(secret), utf8(text)));
  return new Headers({
    "x-github-delivery": "d9",
    "x-github-event": "push",
    "x-hub-signature-256": `sha256=${signature}`,
  });
}

test("what the edge has not verified is verified here, and named anew", async () => {
  const w = await world({ github: { ...AGENT, verifyAt: "core" } });
  const unverified = { verified: "", id: "github:by-chance" };
  const good = delivery("{}", { ...unverified, headers: await signed("{}") });
  expect(await w.desk.take(good)).toBe("committed");
  expect(await w.desk.take({ ...good, id: "github:by-chance-2" })).toBe("duplicate");
  expect(await w.ended("github:d9")).toMatchObject({ verifiedBy: "core" });
  for (const headers of [await signed("{}", "wrong"), await signed("{ }"), new Headers()]) {
    const forged = w.desk.take(delivery("{}", { ...unverified, headers }));
    await expect(forged).rejects.toMatchObject({ code: "invalid_request" });
  }
  expect(await w.store.webhooks({ limit: 9 })).toHaveLength(1);
  expect([...w.desk.refusals.counts()]).toEqual([
    ["github mismatch", 2],
    ["github missing_header", 1],
  ]);
  expect(w.logged().split("its sender is not who it should be")).toHaveLength(3);
});

test("senders whose proof only the edge can check are refused here with a sentence", async () => {
  const w = await world({ bot: { verify: { scheme: "teams", appIds: ["app"] }, agent: true } });
  const unverified = delivery({}, { route: "bot", verified: "" });
  await expect(w.desk.take(unverified)).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("checked at the edge alone"),
  });
});

function messages(...ids: string[]): object {
  const value = {
    messaging_product: "whatsapp",
    metadata: { display_phone_number: "1", phone_number_id: "2" },
    messages: ids.map((id) => ({ from: "49", id, type: "text", text: { body: id } })),
  };
  return {
    object: "whatsapp_business_account",
    entry: [{ id: "1", changes: [{ field: "messages", value }] }],
  };
}

function ofMeta(...ids: string[]): Delivery {
  return delivery(messages(...ids), {
    route: "meta",
    verified: "meta",
    id: `meta:${ids.join("+")}`,
    items: ids.map((id) => ({ id: `meta:${id}`, lane: "meta:49" })),
  });
}

test("each event of a webhook is work of its own, and those that came before are not", async () => {
  const w = await world({ meta: { verify: "meta", secret: META, agent: true } });
  await w.desk.take(ofMeta("one"));
  expect(await w.desk.take(ofMeta("one", "two"))).toBe("committed");
  expect(await w.desk.take(ofMeta("two"))).toBe("duplicate");
  await w.ended("meta:one+two");
  const prompts = w.model.requests.map(({ messages: said }) => said.at(-1)?.text ?? "");
  expect(
    prompts.map((text) => ["one", "two"].filter((id) => text.includes(`"id":"${id}"`))),
  ).toEqual([["one"], ["two"]]);
});

const SYNC = { ...AGENT, mode: "sync", sync: { deadlineMs: 2_000 } };

test("a sender that waits gets the answer, nobody else does, and it gets it again", async () => {
  const w = await world({ github: SYNC });
  w.model.next(says("hello"));
  const answer = await w.desk.take(delivery({}, { syncMs: 20_000 }));
  const text = typeof answer === "string" ? answer : fromUtf8(answer.body);
  expect(text).toBe("hello");
  expect(await w.desk.take(delivery({}, { syncMs: 20_000 }))).toEqual(answer);
  expect(w.fake.sent).toEqual([]);
});

test("a sender that waits too short a time is told so, and the answer goes where it should", async () => {
  const w = await world({ github: SYNC });
  const gate = Promise.withResolvers<void>();
  w.model.next(waitsFor(gate.promise, says("late")));
  expect(await w.desk.take(delivery({}, { syncMs: 260 }))).toBe("committed");
  gate.resolve();
  await w.fake.until(() => w.fake.sent.length === 1);
  expect(w.told(1)).toEqual(["late"]);
});

test("a sender that asks again while it is worked on gets the one answer there will be", async () => {
  const w = await world({ github: SYNC });
  const gate = Promise.withResolvers<void>();
  w.model.next(waitsFor(gate.promise, says("once")));
  const first = w.desk.take(delivery({}, { syncMs: 20_000 }));
  await until(() => w.model.requests.length === 1);
  const second = w.desk.take(delivery({}, { syncMs: 20_000 }));
  expect(await first).toBe("committed");
  gate.resolve();
  const answer = await second;
  expect(typeof answer === "string" ? answer : fromUtf8(answer.body)).toBe("once");
  expect(w.model.requests).toHaveLength(1);
});

test("a webhook runs again as new work, by the settings of now, and may be tried dry first", async () => {
  const w = await world({ github: AGENT });
  await w.desk.take(delivery({ a: 1 }));
  await w.ended("github:d1");
  const dry = await w.desk.replay("github:d1", { dryRun: true });
  expect(dry).toEqual({ id: "github:d1#1", work: [{ source: "hook", lane: "github" }] });
  expect(await w.store.webhook("github:d1#1")).toBeUndefined();
  const both = await Promise.all([w.desk.replay("github:d1"), w.desk.replay("github:d1")]);
  expect(both.map(({ id }) => id).toSorted()).toEqual(["github:d1#1", "github:d1#2"]);
  expect(await w.ended("github:d1#1")).toMatchObject({ state: "done", replayOf: "github:d1" });
  expect((await w.desk.replay("github:d1#1")).id).toBe("github:d1#3");
  await expect(w.desk.replay("github:none")).rejects.toMatchObject({ code: "not_found" });
});

test("what still waits or runs is run again only by force", async () => {
  const w = await world({ github: AGENT });
  const gate = Promise.withResolvers<void>();
  w.model.next(waitsFor(gate.promise));
  await w.desk.take(delivery({}));
  await expect(w.desk.replay("github:d1")).rejects.toMatchObject({ code: "conflict" });
  expect((await w.desk.replay("github:d1", { force: true })).id).toBe("github:d1#1");
  gate.resolve();
});

test("a channel gets the webhooks of its platform, and knows what it polled before", async () => {
  const w = await world({});
  const update = {
    update_id: 5,
    message: {
      message_id: 1,
      date: 1_790_000_000,
      chat: { id: 1, type: "private" },
      from: { id: 1, is_bot: false, first_name: "A" },
      text: "hi",
    },
  };
  const change = { route: "telegram", id: "telegram:5", verified: "telegram" } as const;
  expect(await w.desk.take(delivery(update, change))).toBe("committed");
  await w.fake.until(() => w.fake.sent.length === 1);
  expect(w.told(1)).toEqual(["echo: hi"]);
  expect(await w.desk.take(delivery(update, change))).toBe("duplicate");
  const channel = w.channel("telegram");
  const events = channel?.read(utf8(JSON.stringify(update))) ?? [];
  expect(await w.engine.accept("telegram", events)).toBe(0);
  expect(await w.store.webhooks({ limit: 9 })).toMatchObject([
    { route: "telegram", state: "done" },
  ]);
  const notUpdate = delivery("no update", { ...change, id: "telegram:6" });
  await expect(w.desk.take(notUpdate)).rejects.toMatchObject({ code: "invalid_request" });
});

test("a server that waits for it answers the sender itself", async () => {
  await using server = await listening(
    createServer((_request, response) =>
      response.writeHead(203, { "content-type": "a/b" }).end("x"),
    ),
  );
  const forward = { url: server.url.href };
  const w = await world({
    github: {
      verify: "github",
      secret: SECRET,
      mode: "sync",
      sync: { deadlineMs: 2_000 },
      forward,
    },
  });
  const answer = await w.desk.take(delivery({}, { syncMs: 20_000 }));
  expect(answer).toEqual({ status: 203, contentType: "a/b", body: utf8("x") });
});

test("an alert is a message of its own, sent once", async () => {
  const w = await world({});
  const notice = { id: "alert-1", channel: "telegram", conversation: "1", text: "source silent" };
  expect(await w.engine.tell(notice)).toBe(true);
  expect(await w.engine.tell(notice)).toBe(false);
  await w.fake.until(() => w.fake.sent.length === 1);
  expect(w.told(1)).toEqual(["source silent"]);
  await expect(w.engine.tell({ ...notice, channel: "none" })).rejects.toMatchObject({
    code: "not_found",
  });
});
