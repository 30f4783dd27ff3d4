import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadSettings } from "../../config/resolve.ts";
import { SkillShelf } from "../skills/shelf.ts";
import { createReadSkill } from "./read-skill.ts";

async function world() {
  const home = await mkdtemp(join(tmpdir(), "read-"));
  const stateDir = join(home, ".openclaw");
  const skills = join(stateDir, "workspace", "skills");
  await mkdir(join(skills, "notes", "refs"), { recursive: true });
  await mkdir(join(skills, "notes2"));
  await mkdir(join(skills, "off"));
  await writeFile(join(skills, "notes", "SKILL.md"), "---\nname: notes\n---\nAt {baseDir}.\n");
  await writeFile(join(skills, "notes", "refs", "more.md"), "more");
  await writeFile(join(skills, "notes", ".env"), "KEY=secret");
  await writeFile(join(skills, "notes", "data"), "a\0b");
  await writeFile(join(skills, "notes", "long.md"), "line\n".repeat(20_000));
  await writeFile(join(skills, "notes2", "SKILL.md"), "secret");
  await writeFile(join(skills, "off", "SKILL.md"), "---\nname: off\n---\nsecret");
  await writeFile(join(home, "secret"), "secret");
  await symlink(join(home, "secret"), join(skills, "notes", "link.md"));
  await symlink(home, join(skills, "notes", "up"));
  await writeFile(
    join(stateDir, "openclaw.json"),
    JSON.stringify({ skills: { entries: { off: { enabled: false } } } }),
  );
  const loaded = await loadSettings({ env: {}, cwd: home, home, uid: undefined, flags: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const settings = loaded.value;
  const shelf = new SkillShelf();
  const tool = createReadSkill({
    skills: () => shelf.listed(settings.agents[0], settings),
    home: () => home,
  });
  const caller = {
    agentId: "main",
    sessionKey: undefined,
    isOwner: false,
    isAttended: true,
    tools: [],
  };
  return {
    skills,
    read: (input: unknown) => tool.run(input, new AbortController().signal, caller),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

test("a listed skill is read at its location, and other files of its folder are", async () => {
  await using it = await world();
  const folder = "~/.openclaw/workspace/skills/notes";
  expect(await it.read({ path: `${folder}/SKILL.md` })).toBe(
    `---\nname: notes\n---\nAt ${join(it.skills, "notes")}.\n`,
  );
  expect(await it.read({ path: join(it.skills, "notes/refs/more.md") })).toBe("more");
  expect(await it.read({ path: join(it.skills, "notes/refs/../refs/./more.md") })).toBe("more");
  expect(await it.read({ path: `${folder}/none.md` })).toContain("no file none.md");
});

test.each([
  ["nothing", {}],
  ["no object", "x"],
  ["another key", { path: "~/x", root: "/" }],
  ["a number", { path: 5 }],
  ["no lines", { path: "~/x", limit: 0 }],
  ["a path without end", { path: "/".repeat(5_000) }],
])("input that is %s is refused with the reason", async (_name, input) => {
  await using it = await world();
  expect(await it.read(input)).toMatch(/^Bad input: /);
});

test.each([
  "/etc/passwd",
  "SKILL.md",
  "skills/notes/SKILL.md",
  "~",
  "~/secret",
  "~root/x",
  "~/.openclaw/openclaw.json",
  "~/.openclaw/workspace/skills/notes",
  "~/.openclaw/workspace/skills/notes/../../../../secret",
  "~/.openclaw/workspace/skills/notes/..",
  "~/.openclaw/workspace/skills/notes/.env",
  "~/.openclaw/workspace/skills/notes/refs/../.env",
  "~/.openclaw/workspace/skills/notes2/SKILL.md",
  "~/.openclaw/workspace/skills/off/SKILL.md",
  "~/.openclaw/workspace/skills/notes/link.md",
  "~/.openclaw/workspace/skills/notes/up/secret",
  "~/.openclaw/workspace/skills/notes/up/.openclaw/openclaw.json",
  "~/.openclaw/workspace/skills/notes/\0",
  "file:///etc/passwd",
])("%j is not read", async (path) => {
  await using it = await world();
  const answer = await it.read({ path });
  expect(answer).toMatch(/^Only files of the listed skills|^There is no file/);
  expect(answer).not.toContain("KEY=");
});

test("a long file is read in parts, each of which says where the next begins", async () => {
  await using it = await world();
  const path = join(it.skills, "notes/long.md");
  expect(await it.read({ path, offset: 3, limit: 2 })).toBe(
    "line\nline\n\n[20001 lines: offset 5 is next]",
  );
  const first = await it.read({ path });
  expect(first.length).toBeLessThan(49_000);
  expect(first).toMatch(/read on with offset 9601\]$/);
  expect(await it.read({ path, offset: 30_000 })).toBe("The file has 20001 lines.");
  expect(await it.read({ path: join(it.skills, "notes/data") })).toBe("That file is no text.");
});
