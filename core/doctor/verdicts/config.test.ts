import { expect, test } from "vitest";
import { err, ok } from "../../../shared/result.ts";
import { judgeConfig, judgeReferences } from "./config.ts";

const FACTS = {
  path: "/c",
  exists: true,
  warnings: [],
  unsetVariables: new Map<string, string>(),
  missingSecrets: new Map<string, string>(),
};

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
    "names a model that no gateway can have",
    ok({ ...FACTS, unfit: [{ path: "models.providers.x.baseUrl", message: "is needed" }] }),
    "failed",
    "models.providers.x.baseUrl: is needed",
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

test("of a warning nobody is told to correct what is not there", () => {
  const warnings = ["webhooks are off since there is a config file: set hooks.enabled"];
  expect(judgeConfig(ok({ ...FACTS, warnings }))).toMatchObject({
    fix: "do as each says, or leave it if it is meant",
  });
});

test("what the config refers to and is not there is named, with what goes without it", () => {
  expect(judgeReferences(FACTS).status).toBe("ok");
  const verdict = judgeReferences({
    ...FACTS,
    unsetVariables: new Map([["channels.telegram.botToken", "BOT_TOKEN"]]),
    missingSecrets: new Map([["hooks.token", "its file is not there"]]),
  });
  expect(verdict.status).toBe("warning");
  expect(verdict.detail).toContain("channels.telegram.botToken needs BOT_TOKEN");
  expect(verdict.detail).toContain("hooks.token: its file is not there");
});
