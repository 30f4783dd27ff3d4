import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadSettings } from "../../config/resolve.ts";
import type { Settings } from "../../config/settings.ts";
import { SkillShelf } from "./shelf.ts";

const named = (name: string, more = ""): string =>
  `---\nname: ${name}\ndescription: Does ${name}.\n${more}---\nBody`;
const needs = (metadata: string): string => `metadata: {openclaw: ${metadata}}\n`;

async function world(config: object = {}, env: Readonly<Record<string, string>> = {}) {
  const home = await mkdtemp(join(tmpdir(), "skills-"));
  const stateDir = join(home, ".openclaw");
  await mkdir(stateDir, { mode: 0o700 });
  const load = async (next: object): Promise<Settings> => {
    await writeFile(join(stateDir, "openclaw.json"), JSON.stringify(next));
    const loaded = await loadSettings({
      env: { PATH: join(home, "bin"), ...env },
      cwd: home,
      home,
      uid: undefined,
      flags: {},
    });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    return loaded.value;
  };
  let settings = await load(config);
  const shelf = new SkillShelf();
  const owner = () => settings.agents[0];
  return {
    home,
    /** Writes a file below the home. */
    async write(path: string, text: string): Promise<void> {
      await mkdir(join(home, path, ".."), { recursive: true });
      await writeFile(join(home, path), text);
    },
    all: () => shelf.of(owner(), settings),
    names: async () => (await shelf.listed(owner(), settings)).map(({ name }) => name),
    change: async (next: object) => {
      settings = await load(next);
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

const OWN = ".openclaw/workspace/skills";

test("skills are found in all places, nested in folders, and the nearest of one name wins", async () => {
  await using it = await world({ skills: { load: { extraDirs: ["~/more", "~/most"] } } });
  await it.write(`${OWN}/a/SKILL.md`, named("one"));
  await it.write(`${OWN}/group/deeper/b/SKILL.md`, named("two"));
  await it.write(`${OWN}/group/deeper/b/inner/SKILL.md`, named("inner"));
  await it.write(".openclaw/workspace/.agents/skills/c/SKILL.md", named("three"));
  await it.write(".agents/skills/d/SKILL.md", named("four"));
  await it.write(".openclaw/skills/a/SKILL.md", named("one"));
  await it.write(".openclaw/skills/e/SKILL.md", named("five"));
  await it.write("more/f/SKILL.md", named("six"));
  await it.write("most/f/SKILL.md", named("six"));
  await it.write("most/e/SKILL.md", named("five"));
  await it.write(`${OWN}/.hidden/SKILL.md`, named("hidden"));
  await it.write(`${OWN}/node_modules/x/SKILL.md`, named("package"));
  await it.write(`${OWN}/SKILL.md`, named("root"));
  await it.write(`${OWN}/plain/SKILL.md`, "no head");
  await it.write(`${OWN}/1/2/3/4/5/6/7/SKILL.md`, named("deep"));
  const found = Object.fromEntries((await it.all()).map(({ name, source }) => [name, source]));
  expect(found).toEqual({
    one: "workspace",
    two: "workspace",
    three: "project",
    four: "personal",
    five: "managed",
    six: "extra",
  });
  expect((await it.all()).find(({ name }) => name === "six")?.folder).toBe(
    join(it.home, "more", "f"),
  );
});

test("a link out of the workspace is no skill unless its target is trusted; one of all agents may be", async () => {
  await using it = await world();
  await it.write("elsewhere/x/SKILL.md", named("outside"));
  await it.write("elsewhere/y/SKILL.md", named("shared"));
  await it.write("secret.md", named("secret"));
  await it.write(`${OWN}/own/SKILL.md`, named("own"));
  await symlink(join(it.home, "elsewhere", "x"), join(it.home, OWN, "x"));
  await symlink(join(it.home, OWN, "own"), join(it.home, OWN, "again"));
  await symlink(join(it.home, OWN), join(it.home, OWN, "loop"));
  await mkdir(join(it.home, OWN, "file"));
  await symlink(join(it.home, "secret.md"), join(it.home, OWN, "file", "SKILL.md"));
  await it.write(".openclaw/skills/z/SKILL.md", named("z"));
  await symlink(join(it.home, "elsewhere", "y"), join(it.home, ".openclaw/skills/y"));
  await mkdir(join(it.home, ".openclaw/skills/file"));
  await symlink(join(it.home, "secret.md"), join(it.home, ".openclaw/skills/file/SKILL.md"));
  expect(await it.names()).toEqual(["own", "shared", "z"]);
  await it.change({ skills: { load: { allowSymlinkTargets: ["~/elsewhere"] } } });
  expect(await it.names()).toEqual(["outside", "own", "shared", "z"]);
});

test("what a skill needs is looked for, and what is missing is said", async () => {
  await using it = await world(
    { skills: { entries: { keyed: { apiKey: "sk-1" } } } },
    { SET: "1" },
  );
  const add = (name: string, metadata: string): Promise<void> =>
    it.write(`${OWN}/${name}/SKILL.md`, named(name, needs(metadata)));
  await add("bins", '{requires: {bins: ["gh"]}}');
  await add("any", '{requires: {anyBins: ["gh", "hub"]}}');
  await add("path", '{requires: {bins: ["../bin/gh"]}}');
  await add("env", '{requires: {env: ["SET"]}}');
  await add("unset", '{requires: {env: ["UNSET"]}}');
  await add("keyed", '{requires: {env: ["KEY"]}, primaryEnv: "KEY"}');
  await add("config", '{requires: {config: ["gateway.port"]}}');
  await add("inherited", '{requires: {config: ["gateway.constructor", "__proto__"]}}');
  await add("anyway", '{always: true, requires: {env: ["UNSET"]}}');
  await add("elsewhere", '{always: true, os: ["plan9"]}');
  expect(await it.names()).toEqual(["anyway", "config", "env", "keyed"]);
  const missing = Object.fromEntries((await it.all()).map((one) => [one.name, one.missing]));
  expect(missing).toMatchObject({
    bins: { bins: ["gh"] },
    any: { anyBins: ["gh", "hub"] },
    unset: { env: ["UNSET"] },
    inherited: { config: ["gateway.constructor", "__proto__"] },
    elsewhere: { os: ["plan9"] },
  });
  await it.write("bin/gh", "");
  await chmod(join(it.home, "bin/gh"), 0o755);
  expect(await it.names()).toEqual(["any", "anyway", "bins", "config", "env", "keyed"]);
});

test("a skill that is switched off, not of the agent or kept from models is not listed", async () => {
  await using it = await world();
  for (const name of ["a", "b", "c"]) await it.write(`${OWN}/${name}/SKILL.md`, named(name));
  await it.write(`${OWN}/d/SKILL.md`, named("d", "disable-model-invocation: true\n"));
  expect(await it.names()).toEqual(["a", "b", "c"]);
  await it.change({ skills: { entries: { b: { enabled: false } } } });
  expect(await it.names()).toEqual(["a", "c"]);
  await it.change({ agents: { defaults: { skills: ["a", "b"] } } });
  expect(await it.names()).toEqual(["a", "b"]);
  await it.change({ agents: { defaults: { skills: ["a"] }, entries: { main: { skills: [] } } } });
  expect(await it.names()).toEqual([]);
  await it.change({ skills: { limits: { maxSkillsInPrompt: 2 } } });
  expect(await it.names()).toEqual(["a", "b"]);
});

test("what is added, changed or taken away counts from the next look on", async () => {
  await using it = await world();
  expect(await it.names()).toEqual([]);
  await it.write(`${OWN}/a/SKILL.md`, named("a"));
  expect(await it.names()).toEqual(["a"]);
  await it.write(`${OWN}/a/SKILL.md`, named("another"));
  expect(await it.names()).toEqual(["another"]);
  await it.write(`${OWN}/group/b/SKILL.md`, named("b"));
  expect(await it.names()).toEqual(["another", "b"]);
  await rm(join(it.home, OWN, "a"), { recursive: true });
  expect(await it.names()).toEqual(["b"]);
});

test("a place with too much in it is looked through as far as the limits go", async () => {
  const limits = { maxCandidatesPerRoot: 5, maxSkillsLoadedPerSource: 3, maxSkillFileBytes: 100 };
  await using it = await world({ skills: { limits } });
  await it.write(`${OWN}/1/SKILL.md`, `${named("long")}${"x".repeat(100)}`);
  for (const at of [2, 3, 4, 5, 6]) await it.write(`${OWN}/${at}/SKILL.md`, named(`s${at}`));
  expect(await it.names()).toEqual(["s2", "s3", "s4"]);
});
