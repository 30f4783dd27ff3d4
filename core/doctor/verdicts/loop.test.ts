import { expect, test } from "vitest";
import type { HttpOutcome } from "./edge-answer.ts";
import { hopsOf, judgeHops, judgeReflection } from "./loop.ts";
import type { TunnelStatus } from "./relays.ts";

const core = (store: string, epoch: number): TunnelStatus => ({
  configured: true,
  mode: "leader",
  lease: { store, epoch },
  kid: "kid",
  relays: [],
});

test.each([
  ["itself", core("s", 3), "ok"],
  ["an older self", core("s", 2), "failed"],
  ["another core", core("t", 3), "failed"],
])("a core that hears %s at the public address", (_name, status, verdict) => {
  expect(judgeReflection(core("s", 3), { result: "answered", status }).status).toBe(verdict);
});

function answered(status: number, text: string, headers: Record<string, string> = {}): HttpOutcome {
  return { result: "answered", answer: { status, headers, text, sentAt: 0, answeredAt: 0 } };
}
const problem = (code: string): string => JSON.stringify({ code, detail: "", hop: "relay" });

test("the time of a round trip is told hop by hop", () => {
  const timing = { "server-timing": "edge;dur=1, queue;dur=0, tunnel;desc=x;dur=3.5, bad" };
  expect(judgeHops(answered(200, "", timing), 12.3)).toEqual({
    status: "ok",
    detail: "12 ms there and back: edge 1, queue 0, tunnel 3.5 ms",
  });
  expect(judgeHops(answered(200, "", { "x-gw-relay": "enam:1" }), 5).detail).toContain("enam:1");
  expect(judgeHops(answered(200, ""), 2_000).status).toBe("warning");
});

test.each([
  ["goes round in circles", 508, problem("loop"), "come back to it"],
  ["is not let in", 401, problem("unauthenticated"), "another one"],
  ["finds no core", 503, problem("core_offline"), "relay.connected"],
  ["meets another site", 404, "<html>", "no gateway of ours"],
])("a request that %s", (_name, status, text, words) => {
  const verdict = judgeHops(answered(status, text), 5);
  expect(verdict.status).toBe("failed");
  expect("fix" in verdict ? verdict.fix : "").toContain(words);
});

test.each(["", "nonsense", "a;dur=x", ";dur=1", `${"a".repeat(40)};dur=1`])(
  "a timing of %j tells nothing",
  (header) => expect(hopsOf(header)).toBe(""),
);
