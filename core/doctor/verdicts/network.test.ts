import { expect, test } from "vitest";
import { judgeAddresses, judgeConnect, judgeLookup } from "./network.ts";

test.each([
  [
    "found",
    { result: "found" as const, addresses: ["192.0.2.1", "2001:db8::1"] },
    3,
    "ok",
    "192.0.2.1, 2001:db8::1",
  ],
  [
    "found slowly",
    { result: "found" as const, addresses: ["192.0.2.1"] },
    3_000,
    "warning",
    "slowly",
  ],
  ["blocked", { result: "found" as const, addresses: ["0.0.0.0"] }, 3, "failed", "0.0.0.0"],
  ["unknown", { result: "failed" as const, reason: "ENOTFOUND" }, 3, "failed", "ENOTFOUND"],
  ["not answered", { result: "failed" as const, reason: "EAI_AGAIN" }, 3, "failed", "EAI_AGAIN"],
])("a name that is %s", (_name, answer, ms, status, words) => {
  const verdict = judgeLookup("edge.example", answer, ms);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});

test.each([
  ["all answer", [{ address: "a", ms: 4, reason: "" }], "ok"],
  [
    "one is dead",
    [
      { address: "a", ms: 4, reason: "" },
      { address: "b", ms: undefined, reason: "ETIMEDOUT" },
    ],
    "warning",
  ],
  ["it takes long", [{ address: "a", ms: 900, reason: "" }], "warning"],
  ["none answers", [{ address: "a", ms: undefined, reason: "ECONNREFUSED" }], "failed"],
])("addresses of which %s", (_name, answers, status) => {
  expect(judgeAddresses(443, answers).status).toBe(status);
});

test.each([
  [{ result: "open" as const }, "ok", "lets CONNECT"],
  [{ result: "refused" as const, status: 407 }, "failed", "user and a password"],
  [{ result: "refused" as const, status: 403 }, "failed", "with 403"],
  [{ result: "unreachable" as const, reason: "ECONNREFUSED" }, "failed", "cannot be reached"],
])("a proxy that answers %j", (answer, status, words) => {
  const verdict = judgeConnect("p.example:3128", "edge.example:443", answer);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});
