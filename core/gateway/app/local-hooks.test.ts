import pino from "pino";
import { expect, test } from "vitest";
import { webhookConfig, webhooksIn } from "../../../test/support/webhook-config.ts";
import { toHex, utf8 } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { hmac } from "../../../shared/ingress/crypto.ts";
import type { Delivered } from "../../tunnel/handlers.ts";
import { Refusals } from "../../webhooks/refusals.ts";
import { RouteTable } from "../../webhooks/route-table.ts";
import type { Verified } from "../../webhooks/verified.ts";
import { OPERATOR } from "../auth/auth.ts";
import { answerHook } from "./local-hooks.ts";
import { LocalAdmission } from "./local-admission.ts";
import { Lockout } from "../auth/lockout.ts";

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
        near: {
          verify: "github",
          secret: SECRET,
          agent: true,
          allow: { cidrs: ["192.0.2.0/24", "2001:db8::/32"] },
        },
        german: { verify: "github", secret: SECRET, agent: true, allow: { countries: ["DE"] } },
        foreign: {
          verify: "github",
          secret: SECRET,
          agent: true,
          allow: { blockedCountries: ["DE"] },
        },
        slow: {
          verify: "github",
          secret: SECRET,
          agent: true,
          rate: { perSecond: 0.5, burst: 2 },
        },
        meta: {
          verify: { scheme: "meta", verifyTokens: ["verify-0123"] },
          secret: "m0123456",
          agent: true,
        },
        "near-meta": {
          verify: { scheme: "meta", verifyTokens: ["verify-0123"] },
          secret: "m0123456",
          agent: true,
          allow: { cidrs: ["192.0.2.0/24"] },
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
  const lines: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
  let passedMs = 0;
  const now = (): number => Date.now() + passedMs;
  const refusals = new Refusals(log, now);
  const hooks = {
    path: "/hooks",
    admission: new LocalAdmission(),
    desk: {
      refusals,
      completions: {
        seat(): never {
          throw new Error("nobody waits here");
        },
      },
      route: (name: string) => table.find(name),
      async takeVerified(_route: unknown, webhook: Verified) {
        taken.push(webhook);
        return delivered;
      },
    },
    lockout: new Lockout({ maxAttempts: 2, windowMs: 60_000, lockoutMs: 60_000 }),
    exemptLoopback: true,
    now,
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
    lines,
    hooks,
    refused: () => Object.fromEntries(refusals.counts()),
    pass: (ms: number) => {
      passedMs += ms;
    },
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

test.each([
  ["near", "192.0.2.200", undefined],
  ["near", "::ffff:192.0.2.200", undefined],
  ["near", "2001:db8::7", undefined],
  ["near", "192.0.3.1", "address"],
  ["near", "127.0.0.1", "address"],
  ["near", "", "address"],
  ["german", "192.0.2.200", "country"],
  ["german", "127.0.0.1", "country"],
  ["foreign", "192.0.2.200", undefined],
])("%s is posted from %s", async (route, ip, fault) => {
  const it = door();
  const posted = it.post(route, "{}", await signed("{}"), ip);
  if (fault === undefined) {
    expect((await posted).status).toBeLessThan(300);
    expect(it.taken).toHaveLength(1);
    return;
  }
  await expect(posted).rejects.toMatchObject({ code: "forbidden" });
  expect(it.taken).toEqual([]);
  expect(it.refused()).toEqual({ [`${route} ${fault}`]: 1 });
  expect(JSON.parse(it.lines[0] ?? "")).toMatchObject({ route, reason: fault });
});

test("who may not post is told nothing by a challenge, and spends nothing of the rate", async () => {
  const it = door();
  const query = "hub.mode=subscribe&hub.verify_token=verify-0123&hub.challenge=77";
  const stranger = it.call(`near-meta?${query}`, {}, "198.51.100.1");
  await expect(stranger).rejects.toMatchObject({ code: "forbidden" });
  expect((await it.call(`near-meta?${query}`, {}, "192.0.2.1")).status).toBe(200);
  for (let times = 0; times < 9; times += 1) {
    await expect(it.post("slow", "{}")).rejects.toMatchObject({ code: "unauthenticated" });
  }
  expect((await it.post("slow", "{}", await signed("{}"))).status).toBeLessThan(300);
});

test("a route takes no more than its rate, and says when it takes the next", async () => {
  const it = door();
  const post = async () => it.post("slow", "{}", await signed("{}"));
  expect([(await post()).status, (await post()).status]).toEqual([200, 200]);
  const refused: unknown = await post().catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "rate_limited" });
  expect(refused instanceof GatewayError && (refused.retryAfterMs ?? 0)).toBeGreaterThan(1_000);
  it.pass(2_000);
  expect((await post()).status).toBe(200);
  await expect(post()).rejects.toMatchObject({ code: "rate_limited" });
  expect(it.taken).toHaveLength(3);
  expect(it.refused()).toEqual({ "slow rate_limited": 2 });
});

test("every way of being refused is counted, by route and reason", async () => {
  const it = door();
  const forged = { ...(await signed("{}")), "X-Hub-Signature-256": `sha256=${"0".repeat(64)}` };
  const long = "x".repeat(101);
  const text = { ...(await signed("{}")), "Content-Type": "text/plain" };
  await it.post("github", "{}").catch(() => undefined);
  await it.post("github", "{}", forged).catch(() => undefined);
  await it.post("github", long, await signed(long)).catch(() => undefined);
  await it.post("typed", "{}", text).catch(() => undefined);
  await it.call("typed", {});
  await it.post("agent", "{}", { Authorization: "Bearer wrong" });
  await it.post("nope", "{}").catch(() => undefined);
  expect(it.refused()).toEqual({
    "github missing_header": 1,
    "github mismatch": 1,
    "github too_large": 1,
    "typed content_type": 1,
    "typed method": 1,
    "agent mismatch": 1,
  });
});
