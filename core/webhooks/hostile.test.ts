/** What strangers may write must neither harm nor hold up what comes behind it. */
import { expect, onTestFinished, test } from "vitest";
import { startTelegramEngine } from "../../test/support/telegram-engine.ts";
import { webhookConfig, webhooksIn } from "../../test/support/webhook-config.ts";
import { toHex, utf8 } from "../../shared/bytes.ts";
import { hmac } from "../../shared/ingress/crypto.ts";
import { systemClock } from "../channels/clock.ts";
import type { Delivery } from "../tunnel/handlers.ts";
import { WebhookDesk } from "./desk.ts";

const SECRET = "a-secret-of-github";
const AGENT = { verify: "github", secret: SECRET, agent: true };
const HOUR_MS = 3_600_000;

async function world(routes: object) {
  const { ingress } = webhooksIn(webhookConfig(routes));
  const bot = await startTelegramEngine();
  onTestFinished(() => bot[Symbol.asyncDispose]());
  const { store, engine, channel, log, model } = bot;
  const desk = new WebhookDesk({
    ingress: () => ingress,
    channel,
    store,
    engine,
    publicUrl: () => new URL("https://edge.example"),
    now: systemClock.now,
    log,
  });
  const ended = async (id: string): Promise<void> => {
    const over = new AbortController().signal;
    for (;;) {
      const changed = desk.changed(over);
      if ((await store.webhook(id))?.endedAt !== undefined) return;
      await changed;
    }
  };
  return { desk, model, ended };
}

function delivery(body: string, change: Partial<Delivery> = {}): Delivery {
  return {
    id: "github:d1",
    route: "github",
    items: [{ id: "github:d1", lane: "github" }],
    receivedAt: Date.now(),
    requestId: "request-1",
    verified: "github",
    secret: 0,
    method: "POST",
    query: "",
    ip: "203.0.113.9",
    syncMs: 0,
    attempts: 0,
    headers: new Headers({ "content-type": "application/json", "x-github-delivery": "d1" }),
    body: utf8(body),
    ...change,
  };
}

const DEPTH = 100_000;
const NESTED = "[".repeat(DEPTH) + "]".repeat(DEPTH);

test.each([
  ["a place of a template", { ...AGENT, agent: { template: "{{a}}" } }],
  ["what an expression looks at", { ...AGENT, when: { path: "a", matches: "x", not: true } }],
  ["an element of a list", { ...AGENT, agent: undefined, cases: [{ forEach: "a", agent: true }] }],
])("%s that is nested as no sender nests is no reason to try for days", async (_name, route) => {
  const { desk } = await world({ github: route });
  const body = `{"a":[${NESTED}]}`;
  expect(await desk.take(delivery(body))).toBe("committed");
});

test("an update of a channel that is nested as no platform nests is refused for good", async () => {
  const { desk } = await world({});
  const update = delivery(`{"update_id":1,"a":${NESTED}}`, {
    route: "telegram",
    verified: "telegram",
  });
  await expect(desk.take(update)).rejects.toMatchObject({ code: "invalid_request" });
});

test("an expression that would take for ever on what a stranger writes is given up", async () => {
  const when = { path: "title", matches: "^(\\w+\\s?)*$" };
  const { desk } = await world({ github: { ...AGENT, when } });
  const hostile = delivery(JSON.stringify({ title: `${"a".repeat(64)}!` }));
  await expect(desk.take(hostile)).rejects.toMatchObject({ code: "invalid_request" });
  expect(await desk.take(delivery(JSON.stringify({ title: "two words" })))).toBe("committed");
});

test("what waited at the edge is as old for its signature as it was when it came", async () => {
  const { desk } = await world({
    slack: { verify: "slack", secret: SECRET, agent: true, verifyAt: "core" },
  });
  const receivedAt = Date.now() - 5 * HOUR_MS;
  const body = "command=/ask&text=a&user_id=U&channel_id=C&team_id=T&trigger_id=1";
  const time = String(Math.floor(receivedAt / 1_000));
  const signature = await hmac("sha256", utf8(SECRET), utf8(`v0:${time}:${body}`));
  const waited = delivery(body, {
    route: "slack",
    id: "slack:by-chance",
    verified: "",
    receivedAt,
    headers: new Headers({
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": time,
      "x-slack-signature": `v0=${toHex(signature)}`,
    }),
  });
  const repeated = { ...waited, receivedAt: receivedAt + HOUR_MS };
  await expect(desk.take(repeated)).rejects.toMatchObject({ code: "invalid_request" });
  expect(await desk.take(waited)).toBe("committed");
});
