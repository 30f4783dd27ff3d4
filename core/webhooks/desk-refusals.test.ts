import { createHmac } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { utf8 } from "../../shared/bytes.ts";
import { startTelegramEngine } from "../../test/support/telegram-engine.ts";
import { webhookConfig, webhooksIn } from "../../test/support/webhook-config.ts";
import { WebhookDesk } from "./desk.ts";

const SECRET = "a-secret-of-slack";

/** A desk that takes in what only the core can verify. */
async function world() {
  const bot = await startTelegramEngine();
  onTestFinished(() => bot[Symbol.asyncDispose]());
  const route = { verify: "slack", secret: SECRET, agent: true, verifyAt: "core" };
  const { ingress } = webhooksIn(webhookConfig({ slack: route }));
  const desk = new WebhookDesk({
    ingress: () => ingress,
    channel: () => undefined,
    store: bot.store,
    engine: bot.engine,
    publicUrl: () => undefined,
    now: Date.now,
    log: bot.log,
  });
  return {
    ...bot,
    desk,
    take(body: string, secret = SECRET, at = Math.floor(Date.now() / 1_000)) {
      const signature = createHmac("sha256", secret).update(`v0:${at}:${body}`).digest("hex");
      return desk.take({
        id: "slack:by-chance",
        route: "slack",
        items: [{ id: "slack:by-chance", lane: "slack" }],
        receivedAt: Date.now(),
        requestId: "request-1",
        verified: "",
        secret: 0,
        method: "POST",
        query: "",
        ip: "",
        syncMs: 0,
        attempts: 0,
        headers: new Headers({
          "x-slack-request-timestamp": String(at),
          "x-slack-signature": `v0=${signature}`,
        }),
        body: utf8(body),
      });
    },
  };
}

test("what the core refuses to take from the edge is counted by reason, and said now and then", async () => {
  const { desk, logged, ...it } = await world();
  for (const [body, secret, at] of [
    ["command=/ask", "wrong", undefined],
    ["command=/ask", "wrong", undefined],
    ["command=/ask", SECRET, 1],
    ["nonsense", SECRET, undefined],
  ] as const) {
    await expect(it.take(body, secret, at)).rejects.toMatchObject({ code: "invalid_request" });
  }
  expect(Object.fromEntries(desk.refusals.counts())).toEqual({
    "slack mismatch": 2,
    "slack stale": 1,
    "slack malformed": 1,
  });
  expect(logged().match(/webhook refused/g)).toHaveLength(3);
  expect(await it.take("command=/ask")).toBe("committed");
});
