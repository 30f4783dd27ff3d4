import { expect, test } from "vitest";
import { Health, judgeHealth, judgeRole, judgeToken, judgeVersion } from "./gateway.ts";

const HEALTH = { ok: true, status: "live", version: "1" } as const;

test.each([
  ["a gateway", { result: "answered" as const, value: HEALTH }, "ok", "(live)"],
  [
    "one that refused its config",
    { result: "answered" as const, value: { ...HEALTH, configRefused: { reason: "a.b: no" } } },
    "warning",
    "a.b: no",
  ],
  ["another program", { result: "foreign" as const, status: 200 }, "failed", "answered 200"],
  [
    "nobody",
    { result: "silent" as const, reason: "nothing listens there" },
    "failed",
    "nothing listens",
  ],
])("at the gateway's port answers %s", (_name, answer, status, words) => {
  const verdict = judgeHealth("http://127.0.0.1:1", answer);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});

test.each([
  [true, HEALTH, "ok"],
  [true, { ok: true as const }, "failed"],
  [false, { ok: true as const }, "warning"],
])("a token that is there (%s) and an answer %j", (hasToken, health, status) => {
  expect(judgeToken(hasToken, health).status).toBe(status);
});

test("a gateway of another version wants a restart", () => {
  expect(judgeVersion("1", HEALTH).status).toBe("ok");
  expect(judgeVersion("2", HEALTH)).toMatchObject({ status: "warning" });
});

const EDGE = { ok: true, status: "live", edge: { version: "2" } } as const;

test("an edge that answers for a gateway tells by its relays that it takes the token", () => {
  const core = { connected: true, version: "1" };
  expect(judgeToken(true, { ...EDGE, core, relays: [] }).status).toBe("ok");
  expect(judgeToken(true, { ...EDGE, core: { connected: true } }).status).toBe("failed");
  expect(judgeVersion("1", { ...EDGE, core, relays: [] })).toEqual(judgeVersion("1", HEALTH));
});

test.each([
  [true, "ok", "is connected to it"],
  [false, "failed", "no gateway is connected"],
])("an edge whose gateway is connected: %s", (connected, status, words) => {
  const value = { ...EDGE, core: { connected } };
  const verdict = judgeHealth("https://e.example", { result: "answered", value });
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});

test("what a gateway says of an edge of its own makes it none", () => {
  const told = { ...HEALTH, edge: { configured: true, connected: true } };
  expect(judgeToken(true, Health.parse(told)).status).toBe("ok");
});

test.each([
  ["leads", HEALTH, { ready: true, failing: [] }, "ok", "leads"],
  [
    "stands by",
    { ...HEALTH, status: "standby" },
    { ready: false, failing: ["standby"] },
    "ok",
    "stands by",
  ],
  ["cannot save", HEALTH, { ready: false, failing: ["store"] }, "failed", "cannot save"],
  ["is stopping", HEALTH, { ready: false, failing: ["draining"] }, "failed", "(draining)"],
  ["does not say why", HEALTH, { ready: false }, "failed", "takes no work"],
  ["knows no readiness", HEALTH, undefined, "warning", "does not say"],
])("a gateway that %s", (_name, health, readiness, status, words) => {
  const verdict = judgeRole(health, readiness);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});
