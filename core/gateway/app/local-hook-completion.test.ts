import { expect, onTestFinished, test } from "vitest";
import { says, waitsFor } from "../../../test/support/scripted-model.ts";
import { startTelegramEngine } from "../../../test/support/telegram-engine.ts";
import { webhookConfig, webhooksIn } from "../../../test/support/webhook-config.ts";
import { systemClock } from "../../channels/clock.ts";
import { WebhookDesk } from "../../webhooks/desk.ts";
import { Lockout } from "../auth/lockout.ts";
import { LocalAdmission } from "./local-admission.ts";
import { answerHook } from "./local-hooks.ts";

const TOKEN = "the-hooks-token-0123456789";

/** The own port's webhooks with an engine behind them. */
async function door() {
  const { ingress } = webhooksIn(
    webhookConfig({}, { top: { hooks: { enabled: true, token: TOKEN } } }),
  );
  const bot = await startTelegramEngine();
  onTestFinished(() => bot[Symbol.asyncDispose]());
  const { now } = systemClock;
  const desk = new WebhookDesk({ ...bot, ingress: () => ingress, publicUrl: () => undefined, now });
  const hooks = {
    path: "/hooks",
    desk,
    admission: new LocalAdmission(),
    lockout: new Lockout({ maxAttempts: 2, windowMs: 60_000, lockoutMs: 60_000 }),
    exemptLoopback: true,
    now,
  };
  return {
    ...bot,
    desk,
    post(name: string, body: object, signal?: AbortSignal) {
      const request = new Request(`http://localhost/hooks/${name}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${TOKEN}`, "Idempotency-Key": "a" },
        body: JSON.stringify(body),
        signal: signal ?? null,
      });
      const origin = { via: "local", ip: "127.0.0.1", requestId: "request-1" } as const;
      return answerHook(request, name, origin, hooks);
    },
  };
}

const ASKED = { message: "hi", waitForCompletion: true };
const ENDED = { status: "ok", replyDisposition: "visible", delivered: false };
const ANSWER = { ok: true, runId: "agent:a", completion: { ...ENDED, deliveryAttempted: false } };

test("/hooks/agent answers a sender who asks for it when the agent is done, and again the same", async () => {
  const it = await door();
  it.model.next(says("A word that stays here."));
  const response = await it.post("agent", ASKED);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual(ANSWER);
  expect(await (await it.post("agent", ASKED)).json()).toEqual(ANSWER);
  expect(it.model.requests).toHaveLength(1);
});

test("a sender who leaves is waited with no longer, and the run goes on", async () => {
  const it = await door();
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  it.model.next((request, signal) => {
    begun.resolve();
    return waitsFor(gate.promise)(request, signal);
  });
  const gone = new AbortController();
  const left = it.post("agent", ASKED, gone.signal);
  await begun.promise;
  gone.abort();
  expect(await (await left).json()).toEqual({ ok: true, runId: "agent:a" });
  const again = it.post("agent", ASKED);
  gate.resolve();
  expect(await (await again).json()).toEqual(ANSWER);
});

test("a place to wait is held for as long as it is waited, and without one nothing is kept", async () => {
  const it = await door();
  const gate = Promise.withResolvers<void>();
  it.model.next(waitsFor(gate.promise));
  const others = Array.from({ length: 32 }, () => it.post("agent", ASKED));
  const kept = it.engine.progress.heard(new AbortController().signal);
  await kept;
  await expect(it.post("agent", ASKED)).rejects.toMatchObject({ code: "overloaded" });
  gate.resolve();
  await Promise.all(others);
  expect((await it.post("agent", ASKED)).status).toBe(200);
});

test.each<[string, object, object]>([
  ["agent", { message: "hi" }, { ok: true, runId: "agent:a" }],
  ["agent", { ...ASKED, waitForCompletion: false }, { ok: true, runId: "agent:a" }],
  ["agent", { ...ASKED, waitForCompletion: "true" }, { ok: true, runId: "agent:a" }],
  [
    "wake",
    { text: "hi", waitForCompletion: true },
    { ok: true, mode: "now", eventOutcome: "queued" },
  ],
])("/hooks/%s with %j is answered once it is kept", async (name, body, answer) => {
  const it = await door();
  it.model.next(waitsFor(new Promise(() => undefined)));
  expect(await (await it.post(name, body)).json()).toEqual(answer);
});
