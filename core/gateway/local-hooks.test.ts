import { expect, test } from "vitest";
import { webhookConfig, webhooksIn } from "../../test/support/webhook-config.ts";
import { toHex, utf8 } from "../../shared/bytes.ts";
import { hmac } from "../../shared/ingress/crypto.ts";
import type { Delivered } from "../tunnel/handlers.ts";
import { RouteTable } from "../webhooks/route-table.ts";
import type { Verified } from "../webhooks/verified.ts";
import { OPERATOR } from "./auth.ts";
import { answerHook } from "./local-hooks.ts";
import { Lockout } from "./lockout.ts";

const TOKEN = "the-hooks-token-0123456789";
const SECRET = "a-secret-of-github";

function door(delivered: Delivered = "committed") {
  const { ingress } = webhooksIn(
    webhookConfig(
      {
        github: { verify: "github", secret: SECRET, agent: true, maxBodyBytes: 100 },
        sync: { verify: "github", secret: SECRET, agent: true, mode: "sync" },
        typed: {
          verify: "github",
          secret: SECRET,
          agent: true,
          contentTypes: ["application/json"],
        },
        meta: {
          verify: { scheme: "meta", verifyTokens: ["verify-0123"] },
          secret: "m0123456",
          agent: true,
        },
        bot: { verify: { scheme: "teams", appIds: ["app"] }, agent: true },
      },
      { top: { hooks: { enabled: true, token: TOKEN } } },
    ),
  );
  const taken: Verified[] = [];
  const table = new RouteTable(
    () => ingress,
    () => undefined,
  );
  const hooks = {
    path: "/hooks",
    desk: {
      route: (name: string) => table.find(name),
      async takeVerified(_route: unknown, webhook: Verified) {
        taken.push(webhook);
        return delivered;
      },
    },
    lockout: new Lockout({ maxAttempts: 2, windowMs: 60_000, lockoutMs: 60_000 }),
    exemptLoopback: true,
    now: () => Date.now(),
  };
  const call = (path: string, init: RequestInit, ip = "127.0.0.1") =>
    answerHook(
      new Request(`http://localhost/hooks/${path}`, init),
      path.split("?")[0] ?? "",
      { via: "local", ip, requestId: "request-1" },
      hooks,
    );
  return {
    taken,
    hooks,
    call,
    post: (path: string, body: string, headers: Record<string, string> = {}, ip?: string) =>
      call(path, { method: "POST", body, headers }, ip),
  };
}

async function signed(body: string): Promise<Record<string, string>> {
  const signature = toHex(await hmac("sha256", utf8(SECRET), utf8(body)));
  return {
    "X-GitHub-Event": "push",
    "X-GitHub-Delivery": "d1",
    "X-Hub-Signature-256": `sha256=${signature}`,
  };
}

const OPEN = { Authorization: `Bearer ${TOKEN}` };

test("a webhook is let in by its signature, under its sender's name for it", async () => {
  const it = door();
  const response = await it.post("github?x=1", "{}", await signed("{}"));
  expect(response.status).toBeLessThan(300);
  expect(it.taken).toMatchObject([
    {
      id: "github:d1",
      items: [{ id: "github:d1" }],
      route: "github",
      verifiedBy: "core",
      requestId: "request-1",
      query: "?x=1",
      ip: "127.0.0.1",
      syncMs: 0,
      body: utf8("{}"),
    },
  ]);
});

test("the hooks token opens its routes as OpenClaw's answers have it", async () => {
  const it = door();
  const agent = await it.post("agent", '{"message":"x"}', { ...OPEN, "Idempotency-Key": "k1" });
  expect([agent.status, await agent.json()]).toEqual([200, { ok: true, runId: "agent:k1" }]);
  const wake = await it.post("wake", '{"text":"x"}', { "X-OpenClaw-Token": TOKEN });
  expect(await wake.json()).toEqual({ ok: true, mode: "now", eventOutcome: "queued" });
  const wrong = await it.post("agent", "{}", { Authorization: "Bearer wrong" });
  expect([wrong.status, await wrong.text()]).toEqual([401, "Unauthorized"]);
  const long = await it.post("agent", "x".repeat(256 * 1024 + 1), OPEN);
  expect([long.status, await long.json()]).toEqual([
    413,
    { ok: false, error: "payload too large" },
  ]);
  const shown = await it.post(`agent?token=${TOKEN}`, "{}", OPEN);
  expect(shown.status).toBe(400);
  const get = await it.call("agent", { headers: OPEN });
  expect([get.status, get.headers.get("Allow")]).toEqual([405, "POST"]);
  expect(it.taken).toHaveLength(2);
});

test.each<[string, string, string, Record<string, string>, string]>([
  ["an unknown route", "nope", "{}", {}, "not_found"],
  [
    "a forged signature",
    "github",
    "{}",
    { "X-Hub-Signature-256": `sha256=${"0".repeat(64)}` },
    "unauthenticated",
  ],
  ["no signature", "github", "{}", {}, "unauthenticated"],
  [
    "a sender only the edge can check",
    "bot",
    "{}",
    { Authorization: "Bearer a.b.c" },
    "invalid_request",
  ],
])("%s is refused", async (_name, path, body, headers, code) => {
  const it = door();
  await expect(it.post(path, body, headers)).rejects.toMatchObject({ code });
  expect(it.taken).toEqual([]);
});

test("what is too long or of another type is refused, signed or not", async () => {
  const it = door();
  const long = "x".repeat(101);
  await expect(it.post("github", long, await signed(long))).rejects.toMatchObject({
    code: "too_large",
  });
  const text = { ...(await signed("{}")), "Content-Type": "text/plain" };
  await expect(it.post("typed", "{}", text)).rejects.toMatchObject({
    code: "unsupported_media_type",
  });
});

test("a sender that tests the address is answered, and nothing is kept", async () => {
  const it = door();
  const query = "hub.mode=subscribe&hub.verify_token=verify-0123&hub.challenge=77";
  const response = await it.call(`meta?${query}`, {});
  expect([response.status, await response.text()]).toEqual([200, "77"]);
  expect(it.taken).toEqual([]);
});

test("a sender that waits gets the core's answer", async () => {
  const it = door({ status: 201, contentType: "a/b", body: utf8("hello") });
  const response = await it.post("sync", "{}", await signed("{}"));
  expect([response.status, response.headers.get("Content-Type"), await response.text()]).toEqual([
    201,
    "a/b",
    "hello",
  ]);
  expect(it.taken[0]?.syncMs).toBeGreaterThan(0);
});

test("who guesses tokens is turned away for a while, who signs wrongly never", async () => {
  const it = door();
  const wrong = { Authorization: "Bearer wrong" };
  const stranger = "203.0.113.9";
  expect((await it.post("agent", "{}", wrong, stranger)).status).toBe(401);
  expect((await it.post("agent", "{}", wrong, stranger)).status).toBe(401);
  const locked = it.post("agent", "{}", OPEN, stranger);
  await expect(locked).rejects.toMatchObject({ code: "rate_limited" });
  expect((await it.post("github", "{}", await signed("{}"), stranger)).status).toBeLessThan(300);
  for (let tries = 0; tries < 5; tries += 1) {
    expect((await it.post("agent", "{}", wrong)).status).toBe(401);
  }
});

test("nothing comes in here through the edge", async () => {
  const { hooks } = door();

  const caller = { principal: OPERATOR, requestId: "r", ip: "", via: "edge" } as const;
  const request = new Request("http://localhost/hooks/agent", { method: "POST", headers: OPEN });
  const answer = answerHook(request, "agent", { via: "edge", caller }, hooks);
  await expect(answer).rejects.toMatchObject({ code: "not_found" });
});
