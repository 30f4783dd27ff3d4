import { expect, test } from "vitest";
import { standingOf } from "./standing.ts";

const ADA = { channel: "telegram", sender: "1" };
const OPEN = { enabled: true, ownerAllowFrom: [], allowFrom: undefined };
const NOBODY = { allowFrom: [], first: undefined };

test.each([
  ["nobody is named", OPEN, NOBODY, "user"],
  ["the owners are listed", { ...OPEN, ownerAllowFrom: ["telegram:1"] }, NOBODY, "owner"],
  ["… by id alone", { ...OPEN, ownerAllowFrom: ["1"] }, NOBODY, "owner"],
  ["… of another channel", { ...OPEN, ownerAllowFrom: ["discord:1"] }, NOBODY, "user"],
  ["… as everybody, who is no owner", { ...OPEN, ownerAllowFrom: ["*"] }, NOBODY, "user"],
  [
    "others are listed, and the channel's own list counts no more",
    { ...OPEN, ownerAllowFrom: ["telegram:2"] },
    { allowFrom: ["1"], first: "1" },
    "user",
  ],
  ["the channel names them", OPEN, { allowFrom: ["1", "2"], first: undefined }, "owner"],
  ["the channel lets everybody in", OPEN, { allowFrom: ["*"], first: undefined }, "user"],
  ["the channel names others", OPEN, { allowFrom: ["2"], first: "1" }, "user"],
  ["they were paired first", OPEN, { allowFrom: [], first: "1" }, "owner"],
  ["they were paired later", OPEN, { allowFrom: [], first: "2" }, "user"],
  ["nobody may say commands", { ...OPEN, allowFrom: {} }, NOBODY, "none"],
  ["the channel's list has them", { ...OPEN, allowFrom: { telegram: ["1"] } }, NOBODY, "user"],
  [
    "the channel's list is empty, whatever the one for all others says",
    { ...OPEN, allowFrom: { telegram: [], "*": ["1"] } },
    NOBODY,
    "none",
  ],
  ["the list for all others has them", { ...OPEN, allowFrom: { "*": ["1"] } }, NOBODY, "user"],
  ["everybody is in the list", { ...OPEN, allowFrom: { "*": ["*"] } }, NOBODY, "user"],
  [
    "they are an owner who may say none",
    { ...OPEN, ownerAllowFrom: ["1"], allowFrom: { "*": ["2"] } },
    NOBODY,
    "none",
  ],
])("where %s", (_name, policy, admitted, standing) => {
  expect(standingOf(ADA, policy, admitted)).toBe(standing);
});
