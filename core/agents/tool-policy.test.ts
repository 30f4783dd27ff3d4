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
