import { expect, test } from "vitest";
import { accessOf } from "./allow-list.ts";
import { writersOf } from "./writers.ts";

const NOBODY = { groupPolicy: "disabled", groupAllowFrom: [] } as const;

test.each([
  ["nobody yet", "pairing", [], [], 0],
  ["one who is paired", "pairing", [], ["1"], 1],
  ["one who is listed, and paired as well", "pairing", ["1"], ["1"], 1],
  ["one who is listed in two ways", "allowlist", ["1", "telegram:1"], [], 1],
  ["two who are paired", "pairing", [], ["1", "2"], 2],
  ["one who is listed and one who is paired", "pairing", ["telegram:1"], ["2"], 2],
  ["pairings that count no more", "allowlist", ["1"], ["2", "3"], 1],
  ["a star where it does not count", "allowlist", ["*", "1"], [], 1],
  ["a door that is open but for the star", "open", ["1"], ["2"], 1],
  ["everybody", "open", ["*"], [], "everybody"],
  ["nobody at all", "disabled", ["*", "1", "2"], ["3"], 0],
] as const)("counts %s", (_name, dmPolicy, allowFrom, paired, count) => {
  const policy = { dmPolicy, allowFrom };
  expect(writersOf("telegram", policy, paired)).toBe(count);
  // It says what the door does.
  const direct = { channel: "telegram", direct: true };
  const admitted = ["1", "2", "3", "4"].filter(
    (sender) => accessOf({ ...direct, sender }, { ...policy, ...NOBODY }, paired) === "allow",
  );
  expect(admitted).toHaveLength(count === "everybody" ? 4 : count);
});
