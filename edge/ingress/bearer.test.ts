import { expect, test } from "vitest";
import { utf8 } from "../../shared/bytes.ts";
import { digestOf } from "../../shared/constant-time.ts";
import type { IngressRoute } from "../../shared/edge-bundle.ts";
import { bearer } from "./bearer.ts";

const route: IngressRoute = {
  name: "agent",
  verification: { scheme: "bearer", digests: [await digestOf("the-token")] },
  maxBodyBytes: 1_000,
};

async function idOf(
  { body = "{}", now = 0, name = "agent" }: { body?: string; now?: number; name?: string },
  headers: Record<string, string> = {},
): Promise<string> {
  const webhook = {
    route: { ...route, name },
    headers: new Headers(headers),
    body: utf8(body),
    now,
  };
  const identity = await bearer.identify(webhook);
  return identity.ok ? identity.value.deliveryId : identity.error.reason;
}

test.each([
  ["Authorization", { Authorization: "Bearer the-token" }],
  ["a lower-case scheme", { Authorization: "bearer the-token" }],
  ["X-OpenClaw-Token", { "X-OpenClaw-Token": "the-token" }],
])("the token is good in %s", async (_name, headers) => {
  expect((await bearer.authenticate(route, new Headers(headers))).ok).toBe(true);
});

test.each([
  ["nowhere", {}, "header_missing"],
  ["wrong", { Authorization: "Bearer the-tokem" }, "mismatch"],
  ["empty", { Authorization: "Bearer " }, "header_missing"],
  ["under another scheme", { Authorization: "Basic the-token" }, "header_missing"],
  ["two", { Authorization: "Bearer the-token the-token" }, "header_missing"],
  [
    "wrong first, good second",
    { Authorization: "Bearer x", "X-OpenClaw-Token": "the-token" },
    "mismatch",
  ],
])("a token that is %s is refused", async (_name, headers, reason) => {
  const result = await bearer.authenticate(route, new Headers(headers));
  expect(result).toMatchObject({ ok: false, error: { reason } });
});

test("the sender's own key names the event, apart for each route", async () => {
  const headers = { "Idempotency-Key": "order-17" };
  expect(await idOf({ body: "a" }, headers)).toBe("agent:order-17");
  expect(await idOf({ body: "b" }, headers)).toBe("agent:order-17");
  expect(await idOf({ name: "wake" }, headers)).toBe("wake:order-17");
});

test.each([
  ["too long", "k".repeat(256)],
  ["with a space", "a b"],
  ["not ASCII", "schlüssel"],
])("a key that is %s is malformed", async (_name, key) => {
  expect(await idOf({}, { "Idempotency-Key": key })).toBe("malformed");
});

test("without a key every request is an event of its own", async () => {
  const first = await idOf({ body: "a" });
  expect(first).toMatch(/^agent:[0-9a-f-]{36}$/);
  expect(await idOf({ body: "a" })).not.toBe(first);
});

test("the answer names the run", async () => {
  const response = bearer.accepted({ deliveryId: "agent:order-17", lane: "agent" });
  expect(await response.json()).toEqual({ ok: true, runId: "agent:order-17" });
});
