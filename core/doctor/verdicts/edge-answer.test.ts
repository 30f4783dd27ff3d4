import { expect, test } from "vitest";
import {
  type HttpAnswer,
  type HttpOutcome,
  judgeClock,
  judgeEdge,
  judgeGuard,
  skewOf,
} from "./edge-answer.ts";

const EDGE = new URL("https://edge.example");

function answered(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): HttpOutcome {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { result: "answered", answer: { status, headers, text, sentAt: 0, answeredAt: 0 } };
}

const health = (version: string, connected: boolean): object => ({
  ok: true,
  status: "live",
  edge: { version },
  core: { connected },
});

test.each([
  ["an edge of this version", answered(200, health("1", true)), "ok", "a core is connected"],
  ["an edge without a core", answered(200, health("1", false)), "warning", "no core is connected"],
  ["an older edge", answered(200, health("0", true)), "warning", "version 0, this is 1"],
  ["a gateway", answered(200, { ok: true, status: "live" }), "failed", "leads to a gateway"],
  ["another site", answered(200, "<html>"), "failed", "no answer of an edge"],
  [
    "a redirect",
    answered(302, "", { location: "https://x.example/" }),
    "failed",
    "302, to https://x.example/",
  ],
  [
    "Access",
    answered(302, "", { location: "https://t.cloudflareaccess.com/cdn-cgi/access/login" }),
    "failed",
    "asks for a login",
  ],
  ["nobody", { result: "failed", reason: "ECONNRESET" } as const, "failed", "ECONNRESET"],
])("what answers at the edge's address: %s", (_name, outcome, status, words) => {
  const verdict = judgeEdge(EDGE, outcome, "1");
  expect(verdict.detail).toContain(words);
  expect(verdict.status).toBe(status);
});

const at = Date.UTC(2026, 0, 1, 12, 0, 0);
const dated = (
  sentAt: number,
  answeredAt: number,
  date = new Date(at).toUTCString(),
): HttpAnswer => ({
  status: 200,
  headers: { date },
  text: "",
  sentAt,
  answeredAt,
});

test.each([
  ["the same second", dated(at + 100, at + 900), 0],
  ["the end of that second", dated(at + 990, at + 1_400), 0],
  ["an edge ten seconds ahead", dated(at - 10_100, at - 10_000), 10_000],
  ["an edge ten seconds behind", dated(at + 11_000, at + 11_100), -10_000],
  ["no date", dated(at, at, "soon"), undefined],
])("the skew at %s", (_name, answer, skewMs) => {
  expect(skewOf(answer)).toBe(skewMs);
});

test.each([
  [0, "ok"],
  [-6_000, "warning"],
  [300_000, "warning"],
])("a clock %d ms off is %s", (skewMs, status) => {
  expect(judgeClock(skewMs).status).toBe(status);
});

test.each([
  ["turned away", answered(401, { code: "unauthenticated", detail: "" }), "ok"],
  ["not taken from here", answered(403, { code: "forbidden", detail: "" }), "ok"],
  ["too often", answered(429, { code: "rate_limited", detail: "" }), "warning"],
  ["unknown", answered(404, { code: "not_found", detail: "" }), "failed"],
  ["let in", answered(202, {}), "failed"],
  ["kept out by another", answered(403, "<html>challenge"), "failed"],
  ["a 401 that is none of ours", answered(401, "<html>"), "failed"],
  [
    "turned away in the words of the contract",
    answered(401, "Unauthorized", { "x-request-id": "1" }),
    "ok",
  ],
  ["turned away by a proxy", answered(401, "Unauthorized"), "failed"],
])("a webhook without credentials is %s", (_name, outcome, status) => {
  expect(judgeGuard("/hooks/agent", outcome).status).toBe(status);
});
