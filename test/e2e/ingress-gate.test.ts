/** Who gets past the gate of a webhook route, and what is said to whoever does or does not. */
import { sign as signGithub } from "@octokit/webhooks-methods";
import { createHash } from "node:crypto";
import { Stripe } from "stripe";
import { afterAll, beforeAll, expect, test } from "vitest";
import { utf8 } from "../../shared/bytes.ts";
import { digestOf } from "../../shared/constant-time.ts";
import type { IngressRouteInput } from "../../shared/ingress/route.ts";
import { type EdgeWithCore, startEdgeWithCore } from "../support/edge-with-core.ts";
import { aBundle, TOKENS } from "../support/tunnel-core.ts";
import { hmacText } from "../support/webhook-senders/signing.ts";

const SECRET = "whsec_only-the-sender-knows";
const BEARER = { Authorization: `Bearer ${TOKENS.hook}` };
const VERIFY_TOKEN = "meta-verify-token";

let world: EdgeWithCore;
const lines: string[] = [];

async function routes(): Promise<IngressRouteInput[]> {
  const verification = { scheme: "bearer" as const, digests: [await digestOf(TOKENS.hook)] };
  const open = { verification, maxBodyBytes: 1024 };
  const sync = { deadlineMs: 5_000 };
  const fallback = { status: 202, contentType: "application/json", body: '{"later":true}' };
  return [
    { name: "office", ...open, admission: { cidrs: ["192.0.2.0/24", "2001:db8::/32"] } },
    { name: "home", ...open, admission: { countries: ["DE"] } },
    { name: "abroad", ...open, admission: { blockedCountries: ["DE"] } },
    { name: "put", ...open, methods: ["PUT", "PATCH"] },
    { name: "json", ...open, contentTypes: ["application/json"] },
    { name: "slow-lane", ...open, rate: { perSecond: 0.001, burst: 1 } },
    { name: "answered", ...open, mode: "sync", sync },
    { name: "unanswered", ...open, mode: "sync", sync: { ...sync, fallback } },
    { name: "unanswered-bare", ...open, mode: "sync", sync },
    {
      name: "header",
      verification: { ...verification, scheme: "header", header: "x-api-key" },
      maxBodyBytes: 1024,
    },
    { name: "unchecked", verification: { scheme: "core" }, maxBodyBytes: 1024 },
    { name: "github", verification: { scheme: "github", secrets: [SECRET] }, maxBodyBytes: 1024 },
    { name: "stripe", verification: { scheme: "stripe", secrets: [SECRET] }, maxBodyBytes: 1024 },
    { name: "slack", verification: { scheme: "slack", secrets: [SECRET] }, maxBodyBytes: 1024 },
    {
      name: "whatsapp",
      verification: {
        scheme: "meta",
        secrets: [SECRET],
        verifyTokens: [await digestOf(VERIFY_TOKEN)],
      },
      maxBodyBytes: 1024,
    },
  ];
}

beforeAll(async () => {
  const bundle = await aBundle({ routes: await routes() });
  world = await startEdgeWithCore(
    {
      bundle: () => bundle,
      deliver({ route, syncMs, body }) {
        if (route !== "answered") return Promise.resolve("committed");
        const isToldWhen = syncMs > 0 && syncMs <= 5_000;
        const text = `<Response>${new TextDecoder().decode(body)} ${isToldWhen}</Response>`;
        return Promise.resolve({ status: 201, contentType: "text/xml", body: utf8(text) });
      },
    },
    // One address for all of them: its limits are not what is tried here.
    { rateLimits: false, onLine: (line) => lines.push(line) },
  );
});
afterAll(() => world[Symbol.asyncDispose]());

function post(route: string, headers: Record<string, string> = {}, body = "{}"): Promise<Response> {
  return world.call(`/hooks/${route}`, {
    method: "POST",
    headers: { ...BEARER, ...headers },
    body,
  });
}

test.each<[string, string, Record<string, string>, number]>([
  ["an address on the list", "office", { "CF-Connecting-IP": "192.0.2.9" }, 200],
  ["the same, as IPv6 writes it", "office", { "CF-Connecting-IP": "::ffff:192.0.2.9" }, 200],
  ["an IPv6 address on the list", "office", { "CF-Connecting-IP": "2001:db8::9" }, 200],
  ["an address off the list", "office", { "CF-Connecting-IP": "198.51.100.1" }, 403],
  ["an address that is none", "office", { "CF-Connecting-IP": "somewhere" }, 403],
  ["the right type", "json", { "Content-Type": "Application/JSON; charset=utf-8" }, 200],
  ["another type", "json", { "Content-Type": "text/plain" }, 415],
])("%s: %s", async (_name, route, headers, status) => {
  const before = world.core.deliveries.length;
  expect((await post(route, headers)).status).toBe(status);
  expect(world.core.deliveries.length - before).toBe(status === 200 ? 1 : 0);
});

test.each<[string, "DE" | "FR" | undefined, number]>([
  ["home", "DE", 200],
  ["home", "FR", 403],
  ["home", undefined, 403],
  ["abroad", "DE", 403],
  ["abroad", "FR", 200],
  ["abroad", undefined, 200],
])("%s is called from %s: %i", async (route, country, status) => {
  const response = await world.edge.miniflare.dispatchFetch(`http://edge.test/hooks/${route}`, {
    method: "POST",
    headers: BEARER,
    body: "{}",
    cf: { country },
  });
  await response.text();
  expect(response.status).toBe(status);
});

test("who may not come in is not asked for a proof, and a good one does not help", async () => {
  const headers = { "CF-Connecting-IP": "198.51.100.1", "X-Request-Id": "same-for-both" };
  const [good, bad] = [
    await post("office", headers),
    await post("office", { ...headers, Authorization: "no" }),
  ];
  expect(await bad.text()).toBe(await good.text());
});

test.each([
  ["POST", "put", "PUT, PATCH"],
  ["GET", "put", "PUT, PATCH"],
  ["DELETE", "github", "POST"],
  ["GET", "github", "POST"],
  ["PUT", "whatsapp", "GET, POST"],
])("%s /hooks/%s is answered with what is allowed there", async (method, route, allow) => {
  const response = await world.call(`/hooks/${route}`, { method, headers: BEARER });
  expect([response.status, response.headers.get("Allow")]).toEqual([405, allow]);
});

test.each(["PUT", "PATCH"])(
  "%s reaches a route that takes it, and the core is told",
  async (method) => {
    const response = await world.call("/hooks/put?a=1", { method, headers: BEARER, body: "{}" });
    expect(response.status).toBe(200);
    expect(world.core.deliveries.at(-1)).toMatchObject({ method, query: "?a=1", route: "put" });
  },
);

test.each(["GET", "POST", "PUT", "DELETE", "OPTIONS"])(
  "an unknown route is a plain 404 to %s, and leaves no line in the log",
  async (method) => {
    const before = lines.length;
    const response = await world.call("/hooks/nobody", { method });
    expect(response.status).toBe(404);
    expect(response.headers.has("X-Gw-Delivery")).toBe(false);
    expect(lines.slice(before).filter((line) => line.includes("webhook"))).toEqual([]);
  },
);

test("an answer says what became of the webhook, and by which id it is found again", async () => {
  const headers = { "X-Event-Id": "one", "Idempotency-Key": "the-same" };
  const [first, again] = [
    await post("json", { ...headers, "Content-Type": "application/json" }),
    await post("json", { ...headers, "Content-Type": "application/json" }),
  ];
  expect(first.headers.get("X-Gw-Delivery")).toBe("committed");
  expect(again.headers.get("X-Gw-Delivery")).toBe("duplicate");
  expect(world.core.deliveries.at(-1)?.requestId).toBe(first.headers.get("X-Request-Id"));
});

test("more than a route takes is to come again, and a stranger does not use it up", async () => {
  const statuses: number[] = [];
  for (let count = 0; count < 3; count += 1) {
    statuses.push((await post("slow-lane", { Authorization: "Bearer wrong" })).status);
  }
  statuses.push((await post("slow-lane")).status);
  const refused = await post("slow-lane");
  expect([...statuses, refused.status]).toEqual([401, 401, 401, 200, 429]);
  expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
});

test("a sender that waits gets what the core says", async () => {
  const response = await post("answered", {}, "hello");
  expect(response.status).toBe(201);
  expect(response.headers.get("Content-Type")).toBe("text/xml");
  expect(await response.text()).toBe("<Response>hello true</Response>");
  expect(response.headers.get("X-Gw-Delivery")).toBe("committed");
});

test("a sender that waits for nothing gets the answer that was kept for it, or its scheme's own", async () => {
  const kept = await post("unanswered");
  expect([kept.status, kept.headers.get("Content-Type")]).toEqual([202, "application/json"]);
  expect(await kept.json()).toEqual({ later: true });
  const bare = await post("unanswered-bare");
  expect(bare.status).toBe(200);
  expect(await bare.json()).toMatchObject({ ok: true });
});

test("a secret in a header of its own ends at the edge", async () => {
  const response = await post("header", { "X-Api-Key": TOKENS.hook, "X-Other": "kept" });
  expect(response.status).toBe(200);
  const { headers, verified } = world.core.deliveries.at(-1) ?? {};
  expect(verified).toBe("header");
  expect([headers?.get("X-Api-Key"), headers?.get("X-Other")]).toEqual([null, "kept"]);
});

test("what only the core can check reaches it as unverified, each with a name of its own", async () => {
  const before = world.core.deliveries.length;
  for (let count = 0; count < 2; count += 1) expect((await post("unchecked")).status).toBe(200);
  const [one, two] = world.core.deliveries.slice(before);
  expect([one?.verified, two?.verified]).toEqual(["", ""]);
  expect(one?.id).toMatch(/^unchecked:/);
  // What it is to be checked by.
  expect(one?.headers.get("Authorization")).toBe(BEARER.Authorization);
  expect(one?.id).not.toBe(two?.id);
});

test("GitHub's own signature opens its route, and any other does not", async () => {
  const body = '{"zen":"Keep it logically awesome."}';
  const signature = await signGithub(SECRET, body);
  const headers = {
    "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "X-GitHub-Event": "ping",
  };
  const good = await post("github", { ...headers, "X-Hub-Signature-256": signature }, body);
  expect([good.status, await good.text()]).toEqual([200, ""]);
  expect(world.core.deliveries.at(-1)?.id).toBe(`github:${headers["X-GitHub-Delivery"]}`);
  const bad = await post("github", { ...headers, "X-Hub-Signature-256": signature }, `${body} `);
  expect(bad.status).toBe(401);
  expect(bad.headers.has("X-Gw-Delivery")).toBe(false);
});

test("Stripe's own library signs for its route, for five minutes either way", async () => {
  const payload = '{"id":"evt_1","object":"event","type":"invoice.paid"}';
  const now = Math.floor(Date.now() / 1_000);
  const statuses = [0, -290, 290, -320, 320].map(async (skew) => {
    const timestamp = now + skew;
    const header = Stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET, timestamp });
    return (await post("stripe", { "Stripe-Signature": header }, payload)).status;
  });
  expect(await Promise.all(statuses)).toEqual([200, 200, 200, 401, 401]);
});

test("Slack's test of the address is answered once it is signed, and is no event", async () => {
  const before = world.core.deliveries.length;
  const body =
    '{"type":"url_verification","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}';
  const time = String(Math.floor(Date.now() / 1_000));
  const signature = `v0=${hmacText("sha256", SECRET, [`v0:${time}:`, utf8(body)], "hex")}`;
  const headers = { "X-Slack-Request-Timestamp": time, "X-Slack-Signature": signature };
  const signed = await post("slack", headers, body);
  expect(signed.status).toBe(200);
  expect(await signed.text()).toBe("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P");
  expect(signed.headers.get("X-Request-Id")).not.toBeNull();
  expect((await post("slack", {}, body)).status).toBe(401);
  expect(world.core.deliveries.length).toBe(before);
});

test.each([
  [VERIFY_TOKEN, 200, "1158201444"],
  ["wrong", 403, undefined],
])("Meta's challenge with the token %s: %i", async (token, status, text) => {
  const query = new URLSearchParams({
    "hub.mode": "subscribe",
    "hub.challenge": "1158201444",
    "hub.verify_token": token,
  });
  const response = await world.call(`/hooks/whatsapp?${query.toString()}`);
  expect(response.status).toBe(status);
  if (text !== undefined) expect(await response.text()).toBe(text);
});

test("refusals are counted for the relay by route and reason, and the log never quotes a webhook", async () => {
  const secret = createHash("sha256").update("guess").digest("hex");
  const quoted = `quoted-${secret}`;
  for (let count = 0; count < 5; count += 1) {
    await post(
      "github",
      { "X-Hub-Signature-256": `sha256=${secret}`, "X-GitHub-Delivery": "1" },
      quoted,
    );
  }
  // The next webhook takes the counts along.
  await post("json", { "Content-Type": "application/json" }, "[]");
  const state = await world.core.tunnel.request(undefined, "GET", "/state");
  const refused = JSON.stringify(state.body);
  expect(refused).toMatch(/"github mismatch":\d+/);
  expect(refused).toMatch(/"office address":\d+/);
  expect(lines.join("\n")).not.toContain(secret);
  const said = lines.filter(
    (line) => line.includes('"webhook_refused"') && line.includes('"github"'),
  );
  expect(said.filter((line) => line.includes('"mismatch"'))).toHaveLength(1);
});
