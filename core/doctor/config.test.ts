import { expect, test } from "vitest";
import { err, ok } from "../../shared/result.ts";
import { judgeConfig } from "./config.ts";

const FACTS = { path: "/c", exists: true, warnings: [] };

test.each([
  ["is fine", ok(FACTS), "ok", "/c"],
  ["is not there", ok({ ...FACTS, exists: false }), "ok", "no file at /c"],
  [
    "sets what nothing reads",
    ok({ ...FACTS, warnings: ["agents.list is passed over"] }),
    "warning",
    "agents.list",
  ],
  [
    "has a typo",
    err({
      reason: "invalid",
      file: "/c",
      issues: [{ path: "a.b", message: "is not a setting" }],
    } as const),
    "failed",
    "a.b: is not a setting",
  ],
  [
    "is no JSON5",
    err({ reason: "syntax", file: "/c", line: 3, column: 4, detail: "x" } as const),
    "failed",
    "/c:3:4",
  ],
  [
    "needs a variable",
    err({ reason: "bad_variable", name: "X", message: "is not set" } as const),
    "failed",
    "X: is not set",
  ],
])("a config that %s", (_name, loaded, status, words) => {
  const verdict = judgeConfig(loaded);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});
