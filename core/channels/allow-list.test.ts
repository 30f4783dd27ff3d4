import { expect, test } from "vitest";
import { accessOf } from "./allow-list.ts";
import type { Access, AccessPolicy } from "./allow-list.ts";

const CLOSED: AccessPolicy = {
  dmPolicy: "disabled",
  allowFrom: [],
  groupPolicy: "disabled",
  groupAllowFrom: [],
};

test.each<[string, Partial<AccessPolicy>, string[], Access]>([
  ["disabled", { dmPolicy: "disabled", allowFrom: ["*", "42"] }, ["42"], "ignore"],
  ["on a list that has them", { dmPolicy: "allowlist", allowFrom: ["42"] }, [], "allow"],
  [
    "on a list that names the channel too",
    { dmPolicy: "allowlist", allowFrom: ["telegram:42"] },
    [],
    "allow",
  ],
  [
    "on a list of another channel",
    { dmPolicy: "allowlist", allowFrom: ["discord:42"] },
    [],
    "ignore",
  ],
  [
    "on a list that has others",
    { dmPolicy: "allowlist", allowFrom: ["4", "421"] },
    ["42"],
    "ignore",
  ],
  [
    "on a list of everybody, which only `open` may have",
    { dmPolicy: "allowlist", allowFrom: ["*"] },
    [],
    "ignore",
  ],
  ["open to everybody", { dmPolicy: "open", allowFrom: ["*"] }, [], "allow"],
  ["open without saying to whom", { dmPolicy: "open" }, [], "ignore"],
  ["pairing, and unknown", { dmPolicy: "pairing" }, ["7"], "pair"],
  ["pairing, and paired", { dmPolicy: "pairing" }, ["42"], "allow"],
  ["pairing, and on the list", { dmPolicy: "pairing", allowFrom: ["42"] }, [], "allow"],
])("a direct message under a policy that is %s", (_name, policy, paired, access) => {
  const message = { channel: "telegram", sender: "42", direct: true };
  expect(accessOf(message, { ...CLOSED, ...policy }, paired)).toBe(access);
});

test.each<[string, Partial<AccessPolicy>, Access]>([
  ["disabled", { groupPolicy: "disabled", groupAllowFrom: ["42"] }, "ignore"],
  ["open", { groupPolicy: "open" }, "allow"],
  ["a list that has them", { groupPolicy: "allowlist", groupAllowFrom: ["42"] }, "allow"],
  ["a list of everybody", { groupPolicy: "allowlist", groupAllowFrom: ["*"] }, "allow"],
  ["a list for direct messages alone", { groupPolicy: "allowlist", allowFrom: ["42"] }, "allow"],
  [
    "a list of its own without them",
    { groupPolicy: "allowlist", allowFrom: ["42"], groupAllowFrom: ["7"] },
    "ignore",
  ],
  ["a list, and they are only paired", { dmPolicy: "pairing", groupPolicy: "allowlist" }, "ignore"],
])("a message in a group under %s", (_name, policy, access) => {
  const message = { channel: "telegram", sender: "42", direct: false };
  expect(accessOf(message, { ...CLOSED, ...policy }, ["42"])).toBe(access);
});
