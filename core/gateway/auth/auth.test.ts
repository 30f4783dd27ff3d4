import { expect, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { Authenticator, OPERATOR, type Origin } from "./auth.ts";
import { DEFAULT_LOCKOUT, Lockout } from "./lockout.ts";

const TOKEN = "a-token-that-nobody-guesses";
const REMOTE = "192.0.2.7";

function world(start = 1_000_000) {
  const clock = { now: start };
  const authenticator = new Authenticator(
    { credentials: [new Secret(TOKEN), new Secret("another")], exemptLoopback: true },
    new Lockout(DEFAULT_LOCKOUT),
    () => clock.now,
  );
  const fail = (ip: string, times: number): void => {
    for (let index = 0; index < times; index += 1)
      authenticator.access({ token: "wrong" }, local(ip));
  };
  return { clock, authenticator, fail };
}

function local(ip = "127.0.0.1"): Extract<Origin, { via: "local" }> {
  return { via: "local", ip, requestId: "request-1" };
}

test("the right token makes an operator of a local caller", () => {
  const { authenticator } = world();
  expect(authenticator.callerOf(local(), `Bearer ${TOKEN}`)).toEqual({
    principal: OPERATOR,
    requestId: "request-1",
    ip: "127.0.0.1",
    via: "local",
  });
});

test("every configured credential opens the gateway", () => {
  expect(world().authenticator.access({ token: "another" }, local(REMOTE))).toEqual({
    ok: true,
    value: { method: "token", principal: OPERATOR },
  });
});

test("a caller whom the edge knows needs no header, and one it sends changes nothing", () => {
  const caller = {
    principal: { subject: "visitor", scopes: ["chat" as const] },
    requestId: "request-2",
    ip: "203.0.113.9",
    via: "edge" as const,
  };
  const { authenticator } = world();
  expect(authenticator.callerOf({ via: "edge", caller }, `Bearer ${TOKEN}`)).toBe(caller);
});

test.each([
  ["missing", null],
  ["empty", ""],
  ["of another scheme", `Basic ${TOKEN}`],
  ["without a scheme", TOKEN],
  ["wrong", "Bearer nope"],
  ["a prefix of the right one", `Bearer ${TOKEN.slice(0, -1)}`],
  ["longer than the right one", `Bearer ${TOKEN}x`],
  ["two tokens", `Bearer ${TOKEN} ${TOKEN}`],
  ["a megabyte long", `Bearer ${"x".repeat(1_000_000)}`],
])("a token that is %s gets the one answer", (_name, authorization) => {
  const { authenticator } = world();
  expect(() => authenticator.callerOf(local(REMOTE), authorization)).toThrow(
    expect.objectContaining({
      code: "unauthenticated",
      message: "A valid bearer token is required",
    }),
  );
});

test("whoever has to bring the password is told so", () => {
  const authenticator = new Authenticator(
    { credentials: [new Secret(TOKEN)], exemptLoopback: true, mode: "password" },
    new Lockout(DEFAULT_LOCKOUT),
    () => 1_000_000,
  );
  expect(() => authenticator.callerOf(local(REMOTE), "Bearer nope")).toThrow(
    "A valid bearer token (the gateway's password) is required",
  );
});

test("the tenth failure locks an address out, for the right token too", () => {
  const { authenticator, fail } = world();
  fail(REMOTE, 9);
  expect(authenticator.access({ token: TOKEN }, local(REMOTE)).ok).toBe(true);
  fail(REMOTE, 10);
  expect(authenticator.access({ token: TOKEN }, local(REMOTE))).toEqual({
    ok: false,
    error: { reason: "locked_out", retryAfterMs: 300_000 },
  });
  expect(() => authenticator.callerOf(local(REMOTE), `Bearer ${TOKEN}`)).toThrow(
    expect.objectContaining({ code: "rate_limited", retryAfterMs: 300_000 }),
  );
});

test("a lock-out ends", () => {
  const { authenticator, fail, clock } = world();
  fail(REMOTE, 10);
  clock.now += 299_999;
  expect(authenticator.access({ token: TOKEN }, local(REMOTE)).ok).toBe(false);
  clock.now += 1;
  expect(authenticator.access({ token: TOKEN }, local(REMOTE)).ok).toBe(true);
});

test("failures that lie a window apart do not add up", () => {
  const { authenticator, fail, clock } = world();
  fail(REMOTE, 9);
  clock.now += 60_001;
  fail(REMOTE, 9);
  expect(authenticator.access({ token: TOKEN }, local(REMOTE)).ok).toBe(true);
});

test("asking without a token is no attempt", () => {
  const { authenticator } = world();
  for (let index = 0; index < 50; index += 1) authenticator.access({}, local(REMOTE));
  expect(authenticator.access({ token: TOKEN }, local(REMOTE)).ok).toBe(true);
});

test("one address does not lock out another", () => {
  const { authenticator, fail } = world();
  fail(REMOTE, 10);
  expect(authenticator.access({ token: TOKEN }, local("192.0.2.8")).ok).toBe(true);
});

test("loopback is exempt by default", () => {
  const { authenticator, fail } = world();
  fail("127.0.0.1", 50);
  expect(authenticator.access({ token: TOKEN }, local("127.0.0.1")).ok).toBe(true);
});

test.each([
  ["the same /64", "2001:db8::1", "2001:db8:0:0:ffff::2", false],
  ["another /64", "2001:db8::1", "2001:db8:0:1::1", true],
  ["the same address written out", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", false],
])("IPv6 addresses count by network: %s", (_name, bad, other, free) => {
  const { authenticator, fail } = world();
  fail(bad, 10);
  expect(authenticator.access({ token: TOKEN }, local(other)).ok).toBe(free);
});

test("a flood of addresses pushes the oldest out and nothing else", () => {
  const lockout = new Lockout({ ...DEFAULT_LOCKOUT, maxAttempts: 1 });
  for (let index = 0; index < 10_001; index += 1) {
    lockout.fail(`10.0.${index >> 8}.${index & 255}`, 0);
  }
  expect(lockout.lockedForMs("10.0.0.0", 1)).toBe(0);
  expect(lockout.lockedForMs("10.0.0.1", 1)).toBe(299_999);
});
