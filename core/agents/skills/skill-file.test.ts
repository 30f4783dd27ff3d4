import { expect, test } from "vitest";
import { readSkillHead } from "./skill-file.ts";

const HEAD = `---
name: github
description: "Works with issues: reads and writes them."
homepage: https://example.com
metadata:
  {
    "openclaw": { "emoji": "🐙", "requires": { "bins": ["gh"], "env": ["GH_TOKEN"] }, "os": ["linux"] },
  }
---
Body`;

const BLOCK = `---
name: github
description: >-
  Works with issues:
  reads and writes them.
homepage: 'https://example.com'
metadata:
  openclaw:
    emoji: "🐙"
    requires:
      bins:
        - gh
      env: ["GH_TOKEN"]
    os:
    - linux
---
Body`;

test.each([
  ["JSON over several lines", HEAD],
  ["nested blocks", BLOCK],
  ["lines that end as on Windows", BLOCK.replaceAll("\n", "\r\n")],
])("the head of a skill is read, its metadata as %s", (_name, text) => {
  expect(readSkillHead(text, "folder")).toEqual({
    name: "github",
    key: "github",
    description: "Works with issues: reads and writes them.",
    emoji: "🐙",
    homepage: "https://example.com",
    primaryEnv: undefined,
    always: false,
    forModels: true,
    forPeople: true,
    requirements: { bins: ["gh"], env: ["GH_TOKEN"], os: ["linux"], anyBins: [], config: [] },
  });
});

test.each([
  ["", undefined],
  ["no head at all", undefined],
  ["---\nname: x", undefined],
  ["---\n---\n", { name: "folder", description: "" }],
  ["---\n\n---\n", { name: "folder", description: "" }],
  ["---\ndescription: >\n  two\n  lines\n---\n", { description: "two lines" }],
  ["---\ndescription: two\n  lines # of them\n---\n", { description: "two lines" }],
  ["---\nmetadata: {broken\n---\n", { requirements: { bins: [] } }],
  ["---\nmetadata: [1]\n---\n", { requirements: { bins: [] } }],
  ["---\nname: [a]\ndescription: {b: 1}\n---\n", { name: "folder", description: "" }],
  ["---\nname: a\nname: b\n---\n", { name: "a" }],
  [
    "---\nmetadata:\n  openclaw:\n    requires:\n      bins: [gh, 'uv']\n---\n",
    { requirements: { bins: ["gh", "uv"] } },
  ],
  ["---\ndisable-model-invocation: true\n---\n", { forModels: false, forPeople: true }],
  ["---\nuser-invocable: no\n---\n", { forPeople: false }],
  ['---\nmetadata: {openclaw: {skillKey: "other"}}\n---\n', { name: "folder", key: "other" }],
  ["---\nmetadata: {clawdbot: {always: true}}\n---\n", { always: true }],
  [
    '---\nmetadata: {"openclaw":{"requires":{"bins":"gh"},"always":"yes"}}\n---\n',
    { always: false, requirements: { bins: ["gh"] } },
  ],
  ["---\n__proto__:\n  name: x\nconstructor: y\n---\n", { name: "folder" }],
  ["---\n- name: x\n\t- y\n  :\n---\n", { name: "folder" }],
])("the head %j is taken for what it is", (text, expected) => {
  const head = readSkillHead(text, "folder");
  if (expected === undefined) expect(head).toBeUndefined();
  else expect(head).toMatchObject(expected);
});

test("what a skill says of itself is one line without signs that nobody sees", () => {
  const text = '---\nname: "a\u001b[31mb\u202ec"\ndescription: |\n  x\u0000\n  y\u200b\n---\n';
  expect(readSkillHead(text, "f")).toMatchObject({ name: "a [31mb c", description: "x y" });
  const long = readSkillHead(
    `---\nname: ${"n".repeat(999)}\ndescription: ${"😀".repeat(999)}\n---`,
    "f",
  );
  expect(long?.name).toHaveLength(128);
  expect(long?.description.length).toBeLessThanOrEqual(1_024);
  expect(long?.description.isWellFormed()).toBe(true);
});

test("a head that nests without end is read, and its depths are passed over", () => {
  const deep = Array.from({ length: 2_000 }, (_, at) => `${" ".repeat(at)}k:`).join("\n");
  expect(readSkillHead(`---\nname: deep\nmetadata:\n ${deep}\n---\n`, "f")?.name).toBe("deep");
  const flow = "[".repeat(20_000);
  expect(readSkillHead(`---\nname: flow\nmetadata: ${flow}\n---\n`, "f")?.name).toBe("flow");
});
