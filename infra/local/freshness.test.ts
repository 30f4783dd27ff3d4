import { expect, test } from "vitest";
import { installFailure, isOwnNode, staleReason } from "./freshness.mjs";

const a = { version: "1.0.0", integrity: "sha512-a" };

function lock(packages: object): string {
  return JSON.stringify({ lockfileVersion: 3, packages });
}

test.each([
  ["the same packages", { "": {}, "node_modules/a": a }, { "node_modules/a": a }],
  [
    "no optional package of another platform",
    { "node_modules/a": a, "node_modules/a-darwin": { ...a, optional: true } },
    { "node_modules/a": a },
  ],
  [
    "one package more than wanted",
    { "node_modules/a": a },
    { "node_modules/a": a, "node_modules/b": a },
  ],
])("an install with %s is fresh", (_name, wanted, installed) => {
  expect(staleReason(lock(wanted), lock(installed))).toBeUndefined();
});

const wanted = lock({ "": {}, "node_modules/a": a });

test.each([
  ["nothing is installed", undefined, "nothing is installed yet"],
  ["an install was cut short", "", "the installed packages are unknown"],
  ["the record is not an object", "[]", "the installed packages are unknown"],
  ["a package is missing", lock({}), "node_modules/a is missing"],
  [
    "a version differs",
    lock({ "node_modules/a": { ...a, version: "1.0.1" } }),
    "node_modules/a has changed",
  ],
  [
    "the bytes differ",
    lock({ "node_modules/a": { ...a, integrity: "sha512-b" } }),
    "node_modules/a has changed",
  ],
  [
    "only a prototype has the name",
    `{"packages":{"__proto__":{"node_modules/a":${JSON.stringify(a)}}}}`,
    "node_modules/a is missing",
  ],
])("an install is stale when %s", (_name, installed, reason) => {
  expect(staleReason(wanted, installed)).toBe(reason);
});

test("an optional package of this platform that changed makes the install stale", () => {
  const optional = { ...a, optional: true };
  expect(
    staleReason(
      lock({ "node_modules/b": optional }),
      lock({ "node_modules/b": { ...optional, version: "2.0.0" } }),
    ),
  ).toBe("node_modules/b has changed");
});

test.each([
  ["20.20.2", false],
  ["24.11.1", false],
  ["24.12.0", true],
  ["24.21.0", true],
  ["26.0.0", true],
])("Node %s runs our TypeScript by itself: %s", (version, expected) => {
  expect(isOwnNode(version)).toBe(expected);
});

test.each([
  ["npm error code ENOTFOUND\nnpm error network request failed", /cannot reach its registry/],
  ["npm error code ECONNREFUSED", /cannot reach its registry/],
  ["npm error code ENOSPC", /disk is full/],
  ["npm error code EACCES\nnpm error syscall mkdir", /not writable/],
  [
    "npm error code EUSAGE\nnpm error\nnpm error something else",
    /npm ci ended with 1 \(something else\)/,
  ],
  ["", /npm ci ended with 1\. Run/],
])("npm's %j becomes one line", (output, expected) => {
  const line = installFailure(output, 1);
  expect(line).toMatch(expected);
  expect(line).not.toContain("\n");
});
