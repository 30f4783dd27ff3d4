import { expect, test } from "vitest";
import { runtimeFor } from "./runtime.ts";
import { isNewEnough, keeperOf } from "./stable.ts";
import type { Tool } from "./tool.ts";

test.each([
  ["/home/a/.nvm/versions/node/v24.1.0/bin/node", "nvm"],
  ["/home/a/.local/share/fnm/node-versions/v24/bin/node", "fnm"],
  ["/run/user/1000/fnm_multishells/1_2/bin/node", "fnm"],
  ["/Users/a/.volta/tools/image/node/24/bin/node", "Volta"],
  ["/home/a/.asdf/installs/nodejs/24/bin/node", "asdf"],
  ["/home/a/.local/share/mise/installs/node/24/bin/node", "mise"],
  ["/home/a/.npm/_npx/0123/node_modules/sallyport/core/sallyport.mjs", "npx"],
  ["/opt/homebrew/Cellar/node/24.1.0/bin/node", "Homebrew, by version"],
  ["/nix/store/abc-nodejs-24/bin/node", "Nix, by version"],
  ["/usr/bin/node", undefined],
  ["/opt/homebrew/bin/node", undefined],
  ["/opt/sallyport/node_modules/node/bin/node", undefined],
])("%s is kept by %s", (path, keeper) => {
  expect(keeperOf(path)).toBe(keeper);
});

test.each([
  ["v24.0.0\n", true],
  ["v30.1.2", true],
  ["v22.11.0\n", false],
  ["v9.9.9", false],
  ["1.2.3", false],
  ["", false],
])("%j is new enough: %s", (told, isEnough) => {
  expect(isNewEnough(told)).toBe(isEnough);
});

const ENTRY = "/opt/sallyport/core/sallyport.mjs";
const NVM = "/home/a/.nvm/versions/node/v24.1.0/bin/node";

/** A machine with these programs, and what each says of its version. */
function machine(nodes: Readonly<Record<string, string>>): Tool {
  return async (program) => {
    const out = nodes[program];
    return out === undefined ? { code: undefined, out: "", err: "" } : { code: 0, out, err: "" };
  };
}

const request = { execPath: "/usr/bin/node", given: undefined, force: false, tool: machine({}) };

test("a Node of the system is taken as it is", async () => {
  expect(await runtimeFor(request, ENTRY)).toEqual({
    node: "/usr/bin/node",
    entry: ENTRY,
    warnings: [],
  });
});

test("in place of one that a version manager keeps, that of the system is taken", async () => {
  const tool = machine({ "/usr/bin/node": "v20.1.0", "/usr/local/bin/node": "v24.3.0" });
  const { node } = await runtimeFor({ ...request, execPath: NVM, tool }, ENTRY);
  expect(node).toBe("/usr/local/bin/node");
});

test("without one of the system it is refused, and with --force taken with a warning", async () => {
  const tool = machine({ "/usr/bin/node": "v20.1.0" });
  const passing = { ...request, execPath: NVM, tool };
  await expect(runtimeFor(passing, ENTRY)).rejects.toThrow(/kept by nvm .*--runtime-path/);
  const { node, warnings } = await runtimeFor({ ...passing, force: true }, ENTRY);
  expect([node, warnings]).toEqual([NVM, [expect.stringContaining("kept by nvm")]]);
});

test("a program that npx keeps is refused, whatever runs it", async () => {
  const entry = "/home/a/.npm/_npx/1/node_modules/sallyport/core/sallyport.mjs";
  await expect(runtimeFor(request, entry)).rejects.toThrow("kept by npx");
});

test.each([
  ["bin/node", {}, "is not absolute"],
  ["/none", {}, "cannot be run"],
  ["/old", { "/old": "v22.1.0\n" }, "/old is v22.1.0, and Node 24 is needed"],
])("--runtime-path %s is refused", async (given, nodes, reason) => {
  const asked = { ...request, given, tool: machine(nodes) };
  await expect(runtimeFor(asked, ENTRY)).rejects.toThrow(reason);
});
