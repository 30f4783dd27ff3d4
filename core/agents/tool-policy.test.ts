import { expect, test } from "vitest";
import { isAllowed, type ToolPolicy } from "./tool-policy.ts";

const open: ToolPolicy = { deny: [] };

test.each<[string, ToolPolicy[], boolean]>([
  ["nothing is said", [], true],
  ["all are allowed", [open], true],
  ["another one is denied", [{ deny: ["exec"] }], true],
  ["it is denied", [{ deny: ["fs_read"] }], false],
  ["it is denied in another spelling", [{ deny: ["FS_Read"] }], false],
  ["its kind is denied", [{ deny: ["fs_*"] }], false],
  ["its end is denied", [{ deny: ["*_read"] }], false],
  ["its middle is denied", [{ deny: ["f*_re*d"] }], false],
  ["everything is denied", [{ deny: ["*"] }], false],
  ["a longer name is denied", [{ deny: ["fs_read_*"] }], true],
  ["the pattern needs more than there is", [{ deny: ["fs_read*d"] }], true],
  ["it is allowed", [{ allow: ["fs_read"], deny: [] }], true],
  ["its kind is allowed, and it is denied", [{ allow: ["fs_*"], deny: ["fs_read"] }], false],
  ["none is allowed", [{ allow: [], deny: [] }], false],
  ["one of two policies denies it", [open, { deny: ["fs_read"] }], false],
])("when %s", (_name, policies, allowed) => {
  expect(isAllowed("fs_read", policies)).toBe(allowed);
});

test("a pattern of many stars against a long name is told at once", () => {
  expect(isAllowed("a".repeat(128), [{ deny: [`${"*a".repeat(64)}b`] }])).toBe(true);
});

const minimal: ToolPolicy = { profile: "minimal", deny: [] };

test.each<[string, string, ToolPolicy[], boolean]>([
  ["its group is denied", "read", [{ deny: ["group:fs"] }], false],
  ["its group is denied in another spelling", "message", [{ deny: [" GROUP:Messaging "] }], false],
  ["another group is denied", "read", [{ deny: ["group:web"] }], true],
  ["its group is allowed", "cron", [{ allow: ["group:automation"], deny: [] }], true],
  ["nothing like its group is", "cron", [{ allow: ["group:nobody"], deny: [] }], false],
  ["all built-in ones are denied", "session_status", [{ deny: ["group:openclaw"] }], false],
  ["all built-in ones are, which files are none of", "read", [{ deny: ["group:openclaw"] }], true],
  ["its other name is denied", "cron", [{ deny: ["automations"] }], false],
  ["a plugin's are denied", "message", [{ deny: ["group:plugins"] }], true],
  ["a profile has it", "session_status", [minimal], true],
  ["a profile has it not", "message", [minimal], false],
  [
    "a profile has it not, and more is allowed",
    "message",
    [{ ...minimal, alsoAllow: ["group:messaging"] }],
    true,
  ],
  [
    "a list allows it, and a profile has it not",
    "message",
    [{ ...minimal, allow: ["message"] }],
    false,
  ],
  ["a profile has it, and it is denied", "session_status", [{ ...minimal, deny: ["*"] }], false],
  ["all of them are in the profile", "message", [{ profile: "full", deny: [] }], true],
  ["an agent has another profile", "message", [minimal, { profile: "messaging", deny: [] }], true],
  ["an agent has a list of its own", "message", [minimal, { allow: ["message"], deny: [] }], false],
  ["an agent may use more", "message", [minimal, { alsoAllow: ["message"], deny: [] }], true],
  ["more is allowed than everything", "message", [{ alsoAllow: ["read"], deny: [] }], true],
  ["no profile has the config in it", "gateway", [{ profile: "coding", deny: [] }], false],
])("when %s, %s is judged by it", (_name, tool, policies, allowed) => {
  expect(isAllowed(tool, policies)).toBe(allowed);
});

test.each<[string, ToolPolicy["byProvider"], string | undefined, boolean]>([
  ["the provider's", { ollama: { deny: ["message"] } }, "ollama/small", false],
  ["another provider's", { ollama: { deny: ["message"] } }, "anthropic/big", true],
  ["no model's", { ollama: { deny: ["message"] } }, undefined, true],
  ["the model's", { "ollama/small": { profile: "minimal", deny: [] } }, "Ollama/Small", false],
  [
    "the model's before the provider's",
    { ollama: { deny: ["*"] }, "ollama/small": { deny: [] } },
    "ollama/small",
    true,
  ],
  ["a name that is inherited", {}, "constructor/x", true],
])("a policy of %s counts when it answers", (_name, byProvider, ref, allowed) => {
  expect(isAllowed("message", [{ deny: [], byProvider }], ref)).toBe(allowed);
  expect(isAllowed("message", [{ deny: [] }, { deny: [], byProvider }], ref)).toBe(allowed);
});

test("what a provider may use is never more than everybody may", () => {
  const byProvider = { ollama: { allow: ["message"], deny: [] } };
  expect(isAllowed("message", [{ deny: ["message"], byProvider }], "ollama/x")).toBe(false);
  expect(isAllowed("message", [{ profile: "minimal", deny: [], byProvider }], "ollama/x")).toBe(
    false,
  );
});
