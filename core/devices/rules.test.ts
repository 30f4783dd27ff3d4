import { expect, test } from "vitest";
import type { Device } from "../store/device.ts";
import {
  allows,
  approved,
  type Ask,
  pairingNeed,
  silentWay,
  type Standing,
  superseded,
} from "./rules.ts";

const ASK: Ask = {
  deviceId: "d",
  publicKey: "k",
  role: "operator",
  scopes: ["operator.read"],
  clientId: "cli",
  clientMode: "cli",
  platform: "linux",
};
const HERE: Standing = {
  isDirect: true,
  knowsSecret: true,
  isInterface: false,
  autoApproveLocal: true,
  isInNodeNetwork: false,
};

function device(changes: Partial<Device> = {}): Device {
  return { ...approved(undefined, ASK, "silent", 1_000), ...changes };
}

test.each<[readonly string[], readonly string[], boolean]>([
  [["operator.read"], ["operator.read"], true],
  [["operator.write"], ["operator.read"], true],
  [["operator.read"], ["operator.write"], false],
  [["operator.admin"], ["operator.pairing", "operator.questions"], true],
  [["operator.admin"], ["node.run"], false],
  [["operator.write"], ["operator.admin"], false],
  [[], [], true],
  [[], ["operator.read"], false],
])("%j may have %j: %s", (granted, asked, expected) => {
  expect(allows(granted, asked)).toBe(expected);
});

test.each<[string, Device | undefined, Partial<Ask>, string | undefined]>([
  ["a stranger", undefined, {}, "not-paired"],
  ["another key under a known id", device({ publicKey: "old" }), {}, "not-paired"],
  ["another role", device(), { role: "node", scopes: [] }, "role-upgrade"],
  ["more scopes", device(), { scopes: ["operator.admin"] }, "scope-upgrade"],
  ["another platform", device(), { platform: "darwin" }, "metadata-upgrade"],
  ["the same platform in other letters", device(), { platform: " LINUX " }, undefined],
  ["a platform that was never said", device({ platform: undefined }), {}, undefined],
  ["fewer scopes", device({ scopes: ["operator.admin"] }), {}, undefined],
])("%s: the need for pairing is %s", (_name, known, change, expected) => {
  expect(pairingNeed(known, { ...ASK, ...change })).toBe(expected);
});

const NODE = { role: "node", scopes: [] };
test.each<
  [string, Parameters<typeof silentWay>[0], Partial<Ask>, Partial<Standing>, string | undefined]
>([
  ["a new device here", "not-paired", {}, {}, "silent"],
  ["one that does not know the secret", "not-paired", {}, { knowsSecret: false }, "silent"],
  ["silent pairing is off", "not-paired", {}, { autoApproveLocal: false }, undefined],
  ["somewhere else", "not-paired", {}, { isDirect: false }, undefined],
  ["a page", "not-paired", { browserOrigin: "http://localhost" }, {}, undefined],
  [
    "our page",
    "not-paired",
    { browserOrigin: "http://localhost" },
    { isInterface: true },
    "silent",
  ],
  ["more scopes, with the secret", "scope-upgrade", {}, {}, "silent"],
  ["more scopes, without", "scope-upgrade", {}, { knowsSecret: false }, undefined],
  ["an operator that wants to be a node", "role-upgrade", NODE, {}, undefined],
  ["a node that wants to be an operator", "role-upgrade", {}, {}, "silent"],
  ["other metadata, with the secret", "metadata-upgrade", {}, {}, "silent"],
  [
    "a node of a trusted network",
    "not-paired",
    NODE,
    { isDirect: false, isInNodeNetwork: true },
    "cidr",
  ],
  ["an operator of it", "not-paired", {}, { isDirect: false, isInNodeNetwork: true }, undefined],
  [
    "a node of it that grows",
    "role-upgrade",
    NODE,
    { isDirect: false, isInNodeNetwork: true },
    undefined,
  ],
])("%s: let in without a word", (_name, reason, change, standing, expected) => {
  expect(silentWay(reason, { ...ASK, ...change }, { ...HERE, ...standing })).toBe(expected);
});

test("what was granted stays granted, and what others called it too", () => {
  const before = device({ scopes: ["operator.write"], operatorLabel: "Ada's" });
  const after = approved(before, { ...ASK, scopes: ["operator.pairing"] }, "owner", 2_000);
  expect(after).toMatchObject({
    scopes: ["operator.write", "operator.pairing"],
    operatorLabel: "Ada's",
    createdAtMs: 1_000,
    approvedAtMs: 2_000,
  });
  const stolen = approved(before, { ...ASK, publicKey: "new" }, "owner", 2_000);
  expect(stolen).toMatchObject({ scopes: ["operator.read"], tokens: [], createdAtMs: 2_000 });
  expect(stolen.operatorLabel).toBeUndefined();
});

test("a client that loses its key each time does not fill the list", () => {
  const many = Array.from({ length: 20 }, (_, index) =>
    device({ deviceId: `d${index}`, lastSeenAtMs: index }),
  );
  const other = device({ deviceId: "other", clientId: "test" });
  const owned = device({ deviceId: "owned", approvedVia: "owner" });
  const newest = device({ deviceId: "new" });
  const gone = superseded([...many, other, owned, newest], newest, (id) => id === "d0");
  expect(gone).toHaveLength(12);
  expect(gone).not.toContain("d19");
  for (const kept of ["d0", "other", "owned", "new"]) expect(gone).not.toContain(kept);
});
