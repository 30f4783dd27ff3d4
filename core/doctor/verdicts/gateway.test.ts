import { expect, test } from "vitest";
import { judgeHealth, judgeRole, judgeToken, judgeVersion } from "./gateway.ts";

const HEALTH = { ok: true, status: "live", version: "1" } as const;

test.each([
  ["a gateway", { result: "answered" as const, value: HEALTH }, "ok", "(live)"],
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
