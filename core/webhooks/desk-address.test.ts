/** Senders that sign the address they post to, where `hooks.path` says that it is. */
import { createHmac } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { utf8 } from "../../shared/bytes.ts";
import { startTelegramEngine } from "../../test/support/telegram-engine.ts";
import { webhookConfig, webhooksIn } from "../../test/support/webhook-config.ts";
import { WebhookDesk } from "./desk.ts";

const SECRET = "a-token-of-twilio";

test.each([
  ["as it is set", "/in", "https://edge.example/in/sms", true],
  ["as it was before anybody set it", "/in", "https://edge.example/hooks/sms", true],
  ["nowhere", "/in", "https://edge.example/other/sms", false],
  ["as it is unless it is set", undefined, "https://edge.example/hooks/sms", true],
  ["where it is not without a setting", undefined, "https://edge.example/in/sms", false],
])("an address that is signed %s", async (_name, path, address, isTaken) => {
  const bot = await startTelegramEngine();
  onTestFinished(() => bot[Symbol.asyncDispose]());
  const route = { verify: "twilio", secret: SECRET, agent: true, verifyAt: "core" };
  const { ingress } = webhooksIn(webhookConfig({ sms: route }));
  const desk = new WebhookDesk({
    ingress: () => ingress,
    channel: () => undefined,
    store: bot.store,
    engine: bot.engine,
    publicUrl: () => new URL("https://edge.example/"),
    ...(path === undefined ? {} : { hooksPath: () => path }),
    now: Date.now,
    log: bot.log,
  });
  const signed = `${address}AccountSidAC1BodyhiFrom+1MessageSidSM1`;
  const signature = createHmac("sha1", SECRET).update(signed).digest("base64");
  const taken = desk.take({
    id: "twilio:by-chance",
    route: "sms",
    items: [{ id: "twilio:by-chance", lane: "sms" }],
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
      "Content-Type": "application/x-www-form-urlencoded",
      "X-Twilio-Signature": signature,
    }),
    body: utf8("AccountSid=AC1&Body=hi&From=%2B1&MessageSid=SM1"),
  });
  const said = await taken.catch(({ code }: { readonly code: string }) => code);
  expect(said).toBe(isTaken ? "committed" : "invalid_request");
  expect([...desk.refusals.counts()]).toEqual(isTaken ? [] : [["sms mismatch", 1]]);
});
