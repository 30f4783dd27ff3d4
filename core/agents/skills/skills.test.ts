import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findSkills } from "./find-skills.ts";
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

test("the head of a skill is read, its metadata over several lines as well", () => {
  expect(readSkillHead(HEAD, "folder")).toMatchObject({
    name: "github",
    description: "Works with issues: reads and writes them.",
    emoji: "🐙",
    homepage: "https://example.com",
    always: false,
    requirements: { bins: ["gh"], env: ["GH_TOKEN"], os: ["linux"], anyBins: [], config: [] },
  });
});

test.each([
  ["", undefined],
  ["no head at all", undefined],
  ["---\nname: x", undefined],
  ["---\n\n---\n", { name: "folder", description: "" }],
  ["---\ndescription: >\n  two\n  lines\n---\n", { description: "two lines" }],
  ["---\nmetadata: {broken\n---\n", { requirements: { bins: [] } }],
  ["---\nmetadata: [1]\n---\n", { requirements: { bins: [] } }],
  [
    '---\nmetadata: {"openclaw":{"requires":{"bins":"gh"},"always":"yes"}}\n---\n',
    { always: false },
  ],
])("the head %j is taken for what it is", (text, expected) => {
  const head = readSkillHead(text, "folder");
  if (expected === undefined) expect(head).toBeUndefined();
  else expect(head).toMatchObject(expected);
});

test("skills are found in both places, one of the workspace before one of all agents", async () => {
  await using disk = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), "skills-"));
  disk.defer(() => rm(root, { recursive: true, force: true }));
  const add = async (place: string, name: string, text: string): Promise<void> => {
    await mkdir(join(root, place, name), { recursive: true });
    await writeFile(join(root, place, name, "SKILL.md"), text);
  };
  await add("own", "github", HEAD);
  await add("managed", "github", "---\nname: other\n---\n");
  await add("managed", "notes", "---\nname: notes\n---\n");
  await add("managed", "empty", "nothing");
  await writeFile(join(root, "secret"), "---\nname: secret\n---\n");
  await mkdir(join(root, "own", "link"));
  await symlink("../../secret", join(root, "own", "link", "SKILL.md"));
  const places = { workspace: join(root, "own"), managed: join(root, "managed") };
  const bare = {
    searchPath: "",
    variables: new Set<string>(),
    platform: "linux",
    isSet: () => false,
  };

  const found = await findSkills(places, bare);
  expect(found.map(({ key, source, eligible }) => [key, source, eligible])).toEqual([
    ["github", "workspace", false],
    ["notes", "managed", true],
  ]);
  expect(found[0]?.missing).toMatchObject({ bins: ["gh"], env: ["GH_TOKEN"], os: [] });

  await writeFile(join(root, "gh"), "");
  await chmod(join(root, "gh"), 0o755);
  const rich = { ...bare, searchPath: `/nowhere:${root}`, variables: new Set(["GH_TOKEN"]) };
  expect((await findSkills(places, rich))[0]).toMatchObject({ key: "github", eligible: true });
  expect((await findSkills(places, { ...rich, platform: "darwin" }))[0]?.eligible).toBe(false);
});
