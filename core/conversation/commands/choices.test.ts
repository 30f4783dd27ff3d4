import { expect, test } from "vitest";
import { choose, type ChoiceName, shown } from "./choices.ts";

test.each<[ChoiceName, string, object]>([
  ["think", "high", { thinkingLevel: "high" }],
  ["think", "Extra  High", { thinkingLevel: "xhigh" }],
  ["think", "off", { thinkingLevel: "off" }],
  ["think", "default", { thinkingLevel: null }],
  ["fast", "on", { fastMode: true }],
  ["fast", "off", { fastMode: false }],
  ["fast", "auto", { fastMode: "auto" }],
  ["verbose", "full", { verboseLevel: "full" }],
  ["usage", "on", { responseUsage: "tokens" }],
  ["usage", "reset", { responseUsage: null }],
  ["queue", "collect", { queueMode: "collect" }],
  ["activation", "always", { groupActivation: "always" }],
  ["send", "off", { sendPolicy: "deny" }],
  ["send", "inherit", { sendPolicy: null }],
])("/%s %s", (name, args, settings) => {
  expect(choose(name, args)).toMatchObject({ ok: true, settings });
});

test.each<[ChoiceName, string]>([
  ["think", "a lot"],
  ["queue", "steer now"],
  ["send", "constructor"],
  ["fast", "toString"],
])("/%s %s changes nothing, and says what there is", (name, args) => {
  const made = choose(name, args);
  expect(made).toMatchObject({ ok: false });
  expect(made.said).toContain("default");
});

test("what is set is shown in the word that sets it", () => {
  expect(shown("send", { sendPolicy: "deny" })).toContain("Writing in this session: off.");
  expect(shown("fast", { fastMode: true })).toContain(": on.");
  expect(shown("think", {}, "low")).toContain("Thinking: low.");
  expect(shown("think", { thinkingLevel: "ultra" })).toContain("Thinking: ultra.");
});
