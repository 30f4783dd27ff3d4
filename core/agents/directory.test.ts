import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadSettings } from "../config/resolve.ts";
import type { Settings } from "../config/settings.ts";
import { createConfiguredModel } from "../models/registry.ts";
import { createDirectory } from "./directory.ts";
import { createTools } from "./tools/registry.ts";

async function world(config: object, env: Readonly<Record<string, string>> = {}) {
  const home = await mkdtemp(join(tmpdir(), "directory-"));
  const stateDir = join(home, ".openclaw");
  await mkdir(stateDir, { mode: 0o700 });
  const load = async (next: object): Promise<Settings> => {
    await writeFile(join(stateDir, "openclaw.json"), JSON.stringify(next));
    const loaded = await loadSettings({ env, cwd: home, home, uid: undefined, flags: {} });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    return loaded.value;
  };
  let settings = await load(config);
  const directory = createDirectory({
    settings: () => settings,
    createModel: createConfiguredModel,
    tools: createTools(() => 0),
  });
  return {
    home,
    stateDir,
    directory,
    change: async (next: object) => {
      settings = await load(next);
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

const FAKE = { providers: { fake: { baseUrl: "http://127.0.0.1:9/v1", apiKey: "sk-1234" } } };

test("without any config there is one agent, which answers with the demo and lives in the state folder", async () => {
  await using it = await world({});
  expect(it.directory.defaultId()).toBe("main");
  expect(it.directory.list()).toMatchObject([
    {
      id: "main",
      isDefault: true,
      modelRefs: ["demo/echo"],
      workspace: join(it.stateDir, "workspace"),
      toolNames: ["current_time", "read"],
    },
  ]);
  expect(it.directory.find("nobody")).toBeUndefined();
});

test.each<[string, object]>([
  ["a list", { list: [{ id: "a" }, { id: "B", default: true, model: "fake/own" }] }],
  ["entries", { entries: { a: {}, B: { default: true, model: "fake/own" } } }],
  [
    "both, where entries add to the list",
    { list: [{ id: "b", model: "fake/own" }, { id: "a" }], entries: { b: { default: true } } },
  ],
])("agents are written as %s", async (_name, written) => {
  await using it = await world({
    models: FAKE,
    agents: { ...written, defaults: { model: "fake/x" } },
  });
  expect(it.directory.defaultId()).toBe("b");
  expect(it.directory.list().map(({ id, modelRefs }) => [id, modelRefs])).toEqual([
    ["b", ["fake/own"]],
    ["a", ["fake/x"]],
  ]);
});

test("who is called main is the default one where nobody says otherwise, or else the first", async () => {
  await using it = await world({ agents: { list: [{ id: "a" }, { id: "main" }] } });
  expect(it.directory.defaultId()).toBe("main");
  await it.change({ agents: { list: [{ id: "b" }, { id: "c" }] } });
  expect(it.directory.defaultId()).toBe("b");
});

test("each agent has a folder of its own, where the settings or the variable put it", async () => {
  const agents = { list: [{ id: "main" }, { id: "work" }, { id: "home", workspace: "~/home" }] };
  await using plain = await world({ agents: { ...agents, defaults: { workspace: "~/ws" } } });
  const folders = plain.directory.list().map(({ workspace }) => workspace);
  expect(folders).toEqual(["ws", "ws-work", "home"].map((name) => join(plain.home, name)));
  await using moved = await world({ agents }, { OPENCLAW_WORKSPACE_DIR: "/srv/ws" });
  expect(moved.directory.find("work")?.workspace).toBe("/srv/ws-work");
});

test("an override is the whole prompt; without one the files of the folder are, read anew when they change", async () => {
  await using it = await world({ identity: { name: "Molty" } });
  const folder = join(it.stateDir, "workspace");
  await mkdir(folder);
  expect((await it.directory.settingsFor("main")).system).toBe("You are Molty.");
  await writeFile(join(folder, "AGENTS.md"), "Do it.");
  await writeFile(join(folder, "SOUL.md"), "Be kind.");
  await writeFile(join(folder, "MEMORY.md"), "Ada likes tea.");
  const { system } = await it.directory.settingsFor("main");
  expect(system).toBe(
    "You are Molty.\n\n## AGENTS.md\n\nDo it.\n\n## SOUL.md\n\nBe kind.\n\n## IDENTITY.md\n\n[There is no such file in the workspace.]\n\n## MEMORY.md\n\nAda likes tea.",
  );
  const sessionKey = "agent:main:telegram:group:-1";
  const group = await it.directory.settingsFor("main", undefined, { sessionKey });
  expect(group.system).not.toContain("tea");
  await writeFile(join(folder, "SOUL.md"), "Be brief, please.");
  expect((await it.directory.settingsFor("main")).system).toContain("Be brief, please.");
  await it.change({ agents: { defaults: { systemPromptOverride: "Only this." } } });
  expect((await it.directory.settingsFor("main")).system).toBe("Only this.");
});

test("a model is made once, and anew when its provider has changed", async () => {
  await using it = await world({ models: FAKE, agents: { defaults: { model: "fake/x" } } });
  const [first] = (await it.directory.settingsFor("main")).models;
  expect((await it.directory.settingsFor("main")).models[0]).toBe(first);
  await it.change({
    models: { providers: { fake: { baseUrl: "http://127.0.0.1:10/v1" } } },
    agents: { defaults: { model: "fake/x" } },
  });
  expect((await it.directory.settingsFor("main")).models[0]).not.toBe(first);
});

test("a turn may name another model, by its name or its alias", async () => {
  await using it = await world({
    models: FAKE,
    agents: { defaults: { models: { "fake/long-name": { alias: "Short" } } } },
  });
  const used = async (name: string) => (await it.directory.settingsFor("main", name)).models;
  expect(await used("fake/y")).toMatchObject([{ id: "fake/y" }]);
  expect(await used("short")).toMatchObject([{ id: "fake/long-name" }]);
  await expect(used("acme/brain")).rejects.toMatchObject({ code: "model_not_found" });
  await expect(used("nonsense")).rejects.toMatchObject({ code: "model_not_found" });
  await expect(it.directory.settingsFor("nobody")).rejects.toMatchObject({ code: "not_found" });
});

test("a model without a key says so, and the next one of the chain has its turn", async () => {
  await using it = await world({
    agents: { defaults: { model: { primary: "anthropic/x", fallbacks: ["demo/echo"] } } },
  });
  const { models } = await it.directory.settingsFor("main");
  expect(models.map(({ id }) => id)).toEqual(["anthropic/x", "demo/echo"]);
  const events: unknown[] = [];
  const request = { messages: [], tools: [], temperature: undefined, maxOutputTokens: undefined };
  for await (const event of models[0]?.stream(request, new AbortController().signal) ?? []) {
    events.push(event);
  }
  expect(events).toMatchObject([{ type: "failed", code: "model_unauthorized" }]);
});

test("an agent has the tools that all settings let it have", async () => {
  const agents = { list: [{ id: "main" }, { id: "mute", tools: { deny: ["*"] } }] };
  await using it = await world({ agents });
  expect(it.directory.find("main")?.toolNames).toEqual(["current_time", "read"]);
  expect((await it.directory.settingsFor("mute")).tools).toEqual([]);
  await it.change({ agents, tools: { allow: [] } });
  expect((await it.directory.settingsFor("main")).tools).toEqual([]);
});
