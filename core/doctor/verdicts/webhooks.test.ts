import { expect, test } from "vitest";
import type { HttpOutcome } from "./edge-answer.ts";
import type { Relay } from "./relays.ts";
import { judgeDead, judgeGuards, judgePublished, judgeRoutes, judgeWaiting } from "./webhooks.ts";

const route = (name: string) => ({ name, verifyAt: "edge" as const });

test.each([
  ["none", { routes: [], off: [], hooks: false }, "ok", "no webhook is set up; hooks are off"],
  ["some", { routes: [route("github")], off: [], hooks: true }, "ok", "webhooks: github"],
  [
    "one whose variable is not set",
    { routes: [], off: ["github"], hooks: true },
    "warning",
    "off, for want of what their senders are checked by: github",
  ],
  [
    "many",
    { routes: Array.from({ length: 20 }, (_, at) => route(`r${at}`)), off: [], hooks: true },
    "ok",
    "r15 and 4 more",
  ],
])("of webhooks that are set up, %s are told", (_name, taken, status, words) => {
  const verdict = judgeRoutes(taken);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});

const RELAY: Relay = {
  name: "weur:1",
  url: "edge.example",
  connected: true,
  lastError: null,
  colo: "",
  rttMs: null,
  leads: true,
  draining: false,
  report: null,
};
const refusing = (lastError: string): Relay => ({ ...RELAY, name: "enam:1", lastError });

test("an edge without a key for our secrets is told from one that has them", () => {
  expect(judgePublished([RELAY]).status).toBe("ok");
  const refused = judgePublished([
    RELAY,
    refusing("the edge refused our routes and tokens (this edge has no key: … SEAL_KEY …)"),
  ]);
  expect(refused).toMatchObject({ status: "failed", fix: expect.stringContaining("SEAL_KEY") });
  expect(refused.detail).toContain("enam:1: the edge refused our routes");
  // What has nothing to do with routes is told elsewhere.
  expect(judgePublished([refusing("another core leads")]).status).toBe("ok");
});

function answered(status: number, code: string): HttpOutcome {
  const text = JSON.stringify({ code, detail: "" });
  return { result: "answered", answer: { status, headers: {}, text, sentAt: 0, answeredAt: 0 } };
}
const GUARDED = { path: "/hooks/github", outcome: answered(401, "unauthenticated") };
const UNKNOWN = { path: "/hooks/stripe", outcome: answered(404, "not_found") };
const LATER = { path: "/hooks/slack", outcome: answered(429, "rate_limited") };

test.each([
  ["all are guarded", [GUARDED], 1, "ok", "turned away: /hooks/github"],
  ["there are more than were tried", [GUARDED], 3, "ok", "2 more were not tried"],
  [
    "one is unknown",
    [GUARDED, LATER, UNKNOWN],
    3,
    "failed",
    "no webhook /hooks/stripe (and 1 more)",
  ],
  ["one was not judged", [GUARDED, LATER], 2, "warning", "/hooks/slack was not judged"],
])("of routes that are knocked at without a signature, %s", (_name, knocks, all, status, words) => {
  const verdict = judgeGuards(knocks, all);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});

test("dead letters are counted, and work that is stuck is worth a look", () => {
  expect(judgeDead(0, false, new Set(), []).status).toBe("ok");
  expect(judgeDead(0, false, new Set(), ["weur:1"]).detail).toContain("weur:1 did not say");
  const dead = judgeDead(200, true, new Set(["github"]), []);
  expect(dead).toMatchObject({ status: "warning", detail: "200 or more dead letters of github" });
  expect(judgeWaiting(false).status).toBe("ok");
  expect(judgeWaiting(true).status).toBe("warning");
});
