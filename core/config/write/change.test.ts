import { expect, test } from "vitest";
import { changeTree, editsBetween, type TreeChange } from "./change.ts";

const TREE = {
  gateway: { port: 1, trustedProxies: ["10.0.0.1", "10.0.0.2"] },
  agents: { list: [{ id: "a", name: "A", skills: ["x"] }, { id: "b" }] },
};

function changed(change: TreeChange): unknown {
  const result = changeTree(TREE, change);
  return result.ok ? result.value : `${result.error.path}: ${result.error.message}`;
}

const merge = (patch: unknown, mayReplace: readonly string[] = []): TreeChange => ({
  kind: "merge",
  patch,
  mayReplace: new Set(mayReplace),
});

test.each<[string, TreeChange, unknown]>([
  [
    "sets what is there",
    { kind: "set", path: ["gateway", "port"], value: 2 },
    { ...TREE, gateway: { ...TREE.gateway, port: 2 } },
  ],
  [
    "makes the way to what is not",
    { kind: "set", path: ["hooks", "a", "b"], value: true },
    { ...TREE, hooks: { a: { b: true } } },
  ],
  [
    "adds to a list",
    { kind: "set", path: ["gateway", "trustedProxies", "2"], value: "::1" },
    { ...TREE, gateway: { port: 1, trustedProxies: ["10.0.0.1", "10.0.0.2", "::1"] } },
  ],
  [
    "takes out of a list",
    { kind: "unset", path: ["gateway", "trustedProxies", "0"] },
    { ...TREE, gateway: { port: 1, trustedProxies: ["10.0.0.2"] } },
  ],
  ["takes out of an object", { kind: "unset", path: ["agents"] }, { gateway: TREE.gateway }],
  [
    "leaves no hole in a list",
    { kind: "set", path: ["gateway", "trustedProxies", "7"], value: "::1" },
    "gateway.trustedProxies[7]: is no entry of a list of 2",
  ],
  [
    "goes into no number",
    { kind: "set", path: ["gateway", "port", "x"], value: 1 },
    "gateway.port: is neither an object nor a list",
  ],
  ["takes out nothing that is not there", { kind: "unset", path: ["nope"] }, "nope: is not set"],
  [
    "merges objects, and null takes out",
    merge({ gateway: { port: null, bind: "lan" } }),
    { ...TREE, gateway: { trustedProxies: TREE.gateway.trustedProxies, bind: "lan" } },
  ],
  [
    "merges lists of things by their id",
    merge({ agents: { list: [{ id: "b", name: "B" }, { id: "c" }] } }),
    { ...TREE, agents: { list: [TREE.agents.list[0], { id: "b", name: "B" }, { id: "c" }] } },
  ],
  [
    "lets no list lose entries by accident",
    merge({ gateway: { trustedProxies: ["10.0.0.2"] } }),
    'gateway.trustedProxies: would lose entries of the list: name "gateway.trustedProxies" in replacePaths if that is meant',
  ],
  [
    "lets a list grow",
    merge({ gateway: { trustedProxies: ["10.0.0.1", "10.0.0.2", "::1"] } }),
    { ...TREE, gateway: { port: 1, trustedProxies: ["10.0.0.1", "10.0.0.2", "::1"] } },
  ],
  [
    "replaces a list where that is meant",
    merge({ gateway: { trustedProxies: [] } }, ["gateway.trustedProxies"]),
    { ...TREE, gateway: { port: 1, trustedProxies: [] } },
  ],
  [
    "takes out no object with a list in it by accident",
    merge({ gateway: null }),
    'gateway.trustedProxies: would lose entries of the list: name "gateway.trustedProxies" in replacePaths if that is meant',
  ],
  ["takes no patch that is a list", merge([]), ": a patch is an object: { … }"],
])("a change %s", (_name, change, expected) => {
  expect(changed(change)).toEqual(expected);
});

test("a patch cannot reach the prototype of anything", () => {
  const patch: unknown = JSON.parse('{ "__proto__": { "polluted": true } }');
  changed(merge(patch));
  expect(Reflect.get({}, "polluted")).toBeUndefined();
});

test("between two trees there is as little to do as can be", () => {
  const after = {
    gateway: { port: 2, trustedProxies: ["10.0.0.1", "10.0.0.3"] },
    agents: { list: [{ id: "a" }] },
    logging: { level: "info" },
  };
  expect(editsBetween(TREE, after)).toEqual([
    { path: ["gateway", "port"], value: 2 },
    { path: ["gateway", "trustedProxies", "1"], value: "10.0.0.3" },
    { path: ["agents", "list"], value: [{ id: "a" }] },
    { path: ["logging"], value: { level: "info" } },
  ]);
  expect(editsBetween(TREE, structuredClone(TREE))).toEqual([]);
});
