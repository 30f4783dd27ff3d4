import { expect, onTestFinished, test } from "vitest";
import { tooManyRequests } from "../../test/support/fake-telegram.ts";
import { fails, type Script, says, waitsFor } from "../../test/support/scripted-model.ts";
import { startTelegramEngine } from "../../test/support/telegram-engine.ts";
import { webhookConfig, webhooksIn } from "../../test/support/webhook-config.ts";
import { utf8 } from "../../shared/bytes.ts";
import { systemClock } from "../channels/clock.ts";
import { WebhookDesk } from "./desk.ts";
import type { Verified } from "./verified.ts";

const TOKEN = "the-hooks-token-0123456789";
const TO_CHAT = { deliver: true, channel: "telegram", to: "1" };

async function world() {
  const text = webhookConfig({}, { top: { hooks: { enabled: true, token: TOKEN } } });
  const { ingress } = webhooksIn(text);
  const bot = await startTelegramEngine();
  onTestFinished(() => bot[Symbol.asyncDispose]());
  const stop = new AbortController();
  const parts = {
    ...bot,
    ingress: () => ingress,
    publicUrl: () => undefined,
    stop: stop.signal,
    now: systemClock.now,
  };
  const desk = new WebhookDesk(parts);
  const post = async (id: string, body: object, to = desk): Promise<void> => {
    const route = await to.route("agent");
    if (route === undefined) throw new Error("no route");
    await to.takeVerified(route, webhook(id, { message: "hi", ...body }));
  };
  const waiting = async (id: string, signal = new AbortController().signal, at = desk) => {
    using seat = at.completions.seat();
    return await seat.ending(id, signal);
  };
  return { ...bot, parts, desk, stop, post, waiting };
}

function webhook(id: string, body: object): Verified {
  return {
    id,
    route: "agent",
    items: [{ id, lane: "agent" }],
    receivedAt: Date.now(),
    requestId: "request-1",
    secret: 0,
    method: "POST",
    query: "",
    ip: "127.0.0.1",
    syncMs: 0,
    attempts: 0,
    headers: new Headers(),
    body: utf8(JSON.stringify(body)),
    verifiedBy: "core",
  };
}

const STAYS = { delivered: false, deliveryAttempted: false };

test.each<[string, Script, object]>([
  ["an answer", says("All is well."), { status: "ok", replyDisposition: "visible" }],
  ["silence", says("NO_REPLY"), { status: "ok", replyDisposition: "silent" }],
  ["nothing", says(""), { status: "ok", replyDisposition: "empty" }],
  ["a failure for good", fails("model_unauthorized"), { status: "error" }],
])("who waits for the agent is told that it ended with %s, and no word of it", async (...row) => {
  const [, script, outcome] = row;
  const it = await world();
  it.model.next(script);
  await it.post("agent:1", {});
  expect(await it.waiting("agent:1")).toEqual({ ...outcome, ...STAYS });
});

test("who waits is told whether the answer reached the conversation it was for", async () => {
  const it = await world();
  it.fake.chats.add("1");
  it.model.next(says("Done."));
  await it.post("agent:1", TO_CHAT);
  const outcome = { status: "ok", replyDisposition: "visible", deliveryAttempted: true };
  expect(await it.waiting("agent:1")).toEqual({ ...outcome, delivered: true });
  expect(it.told(1)).toEqual(["Done."]);
  await it.post("agent:2", { ...TO_CHAT, to: "2" });
  const lost = { delivered: false, deliveryError: "delivery-failed" };
  expect(await it.waiting("agent:2")).toEqual({ ...outcome, ...lost });
  // A night may go by until it is sent.
  it.fake.fail("sendMessage", tooManyRequests(3_600));
  await it.post("agent:3", TO_CHAT);
  expect(await it.waiting("agent:3")).toEqual({ ...outcome, delivered: false });
});

test("the same webhook again is told how the one run ended", async () => {
  const it = await world();
  const gate = Promise.withResolvers<void>();
  it.model.next(waitsFor(gate.promise));
  await it.post("agent:1", {});
  await it.post("agent:1", {});
  const both = Promise.all([it.waiting("agent:1"), it.waiting("agent:1")]);
  gate.resolve();
  const [first, second] = await both;
  expect(first).toMatchObject({ status: "ok" });
  expect([second, await it.waiting("agent:1")]).toEqual([first, first]);
  expect(it.model.requests).toHaveLength(1);
});

test("nobody is told an end that is not known: of a run that goes on, or was before a start", async () => {
  const it = await world();
  await it.post("agent:1", {});
  await it.waiting("agent:1");
  const later = new WebhookDesk(it.parts);
  expect(await it.waiting("agent:1", undefined, later)).toBeUndefined();
  expect(await it.waiting("agent:never")).toBeUndefined();
  it.model.next(waitsFor(new Promise(() => undefined)));
  await it.post("agent:2", {});
  expect(await it.waiting("agent:2", AbortSignal.abort())).toBeUndefined();
  const asked = it.waiting("agent:2");
  it.stop.abort();
  expect(await asked).toBeUndefined();
});

test("so many may wait at a time, and one that leaves makes room", async () => {
  const it = await world();
  const seats = Array.from({ length: 32 }, () => it.desk.completions.seat());
  expect(() => it.desk.completions.seat()).toThrow("Too many wait for completion");
  seats[0]?.[Symbol.dispose]();
  expect(() => it.desk.completions.seat()).not.toThrow();
});
