import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as schemas from "@openclaw/gateway-protocol/schema";
import { Check } from "typebox/value";
import { expect, test } from "vitest";
import { createDirectory } from "../../agents/directory.ts";
import { createTools } from "../../agents/tools/registry.ts";
import { loadSettings } from "../../config/resolve.ts";
import type { Settings } from "../../config/settings.ts";
import { allManagementMethods } from "../../methods/agents/all.ts";
import { managementMethods } from "../../methods/agents/lazy.ts";
import { commandLineContext } from "../../methods/command-line.ts";
import type { NamedMethod } from "../../methods/method.ts";
import { createConfiguredModel } from "../../models/registry.ts";
import { configFileOf } from "../lifecycle/config-file.ts";
import { managementParts } from "./management.ts";

/** A provider and Telegram on one port, as they answer on the wire. */
async function vendors(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((incoming, outgoing) => {
    incoming.resume();
    if (incoming.url?.endsWith("/getMe") === true) {
      const ok = incoming.url.includes("good");
      const bot = { id: 42, is_bot: true, first_name: "Bot", username: "my_bot" };
      const refusal = { ok, error_code: 401, description: "Unauthorized" };
      outgoing.writeHead(ok ? 200 : 401, { "Content-Type": "application/json" });
      outgoing.end(JSON.stringify(ok ? { ok, result: bot } : refusal));
      return;
    }
    if (incoming.headers.authorization !== "Bearer sk-right-key") {
      outgoing.writeHead(401, { "Content-Type": "application/json" });
      outgoing.end(JSON.stringify({ error: { message: "bad key", type: "x" } }));
      return;
    }
    const choices = [{ index: 0, delta: { content: "OK" }, finish_reason: "stop" }];
    const chunk = { id: "x", object: "chat.completion.chunk", choices };
    outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
    outgoing.end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const stateOf = () => ({
  running: true,
  startedAt: 5,
  stoppedAt: undefined,
  receivedAt: undefined,
  error: undefined,
  falls: 0,
});

function scopesOf(methods: readonly NamedMethod[]): object {
  return Object.fromEntries(methods.map(([name, { scope }]) => [name, scope]));
}

async function world(config: object) {
  const home = await mkdtemp(join(tmpdir(), "management-"));
  const stateDir = join(home, ".openclaw");
  await mkdir(stateDir, { mode: 0o700 });
  const path = join(stateDir, "openclaw.json");
  await writeFile(path, `// kept\n${JSON.stringify({ gateway: { mode: "local" }, ...config })}`);
  const load = async (): Promise<Settings> => {
    const loaded = await loadSettings({ env: {}, cwd: home, home, uid: undefined, flags: {} });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    return loaded.value;
  };
  let settings = await load();
  const directory = createDirectory({
    settings: () => settings,
    createModel: createConfiguredModel,
    tools: createTools(() => 0),
  });
  const asked: string[] = [];
  const parts = managementParts({
    settings: () => settings,
    directory,
    control: {
      stateOf,
      start: async (id) => void asked.push(`start ${id}`),
      stop: async (id) => void asked.push(`stop ${id}`),
      restart: async (id) => void asked.push(`restart ${id}`),
    },
    configFile: configFileOf(
      () => settings,
      async () => {
        settings = await load();
      },
    ),
    usage: {
      report: async () => ({ sums: [], tools: [], p95Ms: undefined }),
      oldestAt: async () => undefined,
    },
    now: () => 86_400_000,
  });
  const methods = new Map(allManagementMethods(parts));
  return {
    stateDir,
    path,
    parts,
    asked,
    settings: () => settings,
    call: async (name: string, params: object = {}): Promise<unknown> =>
      methods.get(name)?.call(params, commandLineContext(new AbortController().signal)),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

const FAKE = {
  models: {
    providers: {
      fake: {
        baseUrl: "http://127.0.0.1:9/v1",
        apiKey: "sk-right-key",
        models: [{ id: "fake-1", name: "Fake", contextWindow: 1000 }],
      },
    },
  },
  agents: { defaults: { model: "fake/fake-1" } },
  channels: { telegram: { botToken: "42:good_good_good_good_good_good" } },
};

test("the names that are known before anything is loaded are the ones there are", async () => {
  await using it = await world(FAKE);
  const real = allManagementMethods(it.parts);
  expect(scopesOf(managementMethods(it.parts))).toEqual(scopesOf(real));
});

test.each([
  ["agents.list", {}, schemas.AgentsListResultSchema],
  ["agent.identity.get", { sessionKey: "agent:main:x" }, schemas.AgentIdentityResultSchema],
  ["agents.files.list", { agentId: "main" }, schemas.AgentsFilesListResultSchema],
  ["agents.files.get", { agentId: "main", name: "SOUL.md" }, schemas.AgentsFilesGetResultSchema],
  [
    "agents.files.set",
    { agentId: "main", name: "SOUL.md", content: "x" },
    schemas.AgentsFilesSetResultSchema,
  ],
  ["agents.create", { name: "Work", emoji: "W" }, schemas.AgentsCreateResultSchema],
  ["agents.update", { agentId: "main", name: "Boss" }, schemas.AgentsUpdateResultSchema],
  ["models.list", { view: "all" }, schemas.ModelsListResultSchema],
  ["models.probe", { provider: "nobody" }, schemas.ModelsProbeResultSchema],
  ["tools.catalog", {}, schemas.ToolsCatalogResultSchema],
  ["tools.effective", { sessionKey: "main" }, schemas.ToolsEffectiveResultSchema],
  ["tools.invoke", { name: "current_time" }, schemas.ToolsInvokeResultSchema],
  ["tools.invoke", { name: "exec" }, schemas.ToolsInvokeResultSchema],
  ["commands.list", {}, schemas.CommandsListResultSchema],
  ["channels.status", { probe: false }, schemas.ChannelsStatusResultSchema],
  ["wizard.start", {}, schemas.WizardStartResultSchema],
  ["question.list", {}, schemas.QuestionListResultSchema],
  ["users.prefs.get", {}, schemas.UsersPrefsGetResultSchema],
  ["board.get", { sessionKey: "main" }, schemas.BoardSnapshotSchema],
  ["projects.list", {}, schemas.ProjectsListResultSchema],
])("%s answers %j as the published schema has it", async (name, params, schema) => {
  await using it = await world(FAKE);
  const answer = await it.call(name, params);
  expect({ answer, fits: Check(schema, answer) }).toMatchObject({ fits: true });
});

test("an agent that is added is in the file, with the one that was there without a name", async () => {
  await using it = await world(FAKE);
  await it.call("agents.create", { name: "Night Shift", model: "fake/fake-1" });
  expect(await it.call("agents.list")).toMatchObject({
    defaultId: "main",
    agents: [{ id: "main" }, { id: "night-shift", name: "Night Shift" }],
  });
  expect(await readFile(it.path, "utf8")).toMatch(/^\/\/ kept/);
  await expect(it.call("agents.create", { name: "night shift" })).rejects.toThrow("already exists");
});

test("an agent that is changed keeps what was not said, and loses what is taken from it", async () => {
  await using it = await world({
    ...FAKE,
    agents: { ...FAKE.agents, list: [{ id: "main", model: "fake/own", identity: { emoji: "M" } }] },
  });
  await it.call("agents.update", { agentId: "main", name: "Boss", avatar: "me.png" });
  expect(it.settings().agents).toMatchObject([
    { name: "Boss", modelRefs: ["fake/own"], identity: { emoji: "M", avatar: "me.png" } },
  ]);
  await it.call("agents.update", { agentId: "main", model: "fake/other" });
  await it.call("agents.update", { agentId: "main", model: null });
  expect(it.settings().agents).toMatchObject([{ name: "Boss", modelRefs: ["fake/own"] }]);
});

test("an agent with a model that nobody provides is not written", async () => {
  await using it = await world(FAKE);
  const before = await readFile(it.path, "utf8");
  await expect(it.call("agents.create", { name: "X", model: "acme/brain" })).rejects.toMatchObject({
    code: "model_not_found",
  });
  expect(await readFile(it.path, "utf8")).toBe(before);
});

test("an agent that is deleted takes its bindings with it, and its folder goes to the trash", async () => {
  await using it = await world({
    ...FAKE,
    agents: {
      list: [
        { id: "main", default: true },
        { id: "work", heartbeat: {} },
      ],
    },
    bindings: [
      { agentId: "work", match: { channel: "telegram" } },
      { agentId: "main", match: { channel: "telegram" } },
    ],
  });
  await it.call("agents.files.set", { agentId: "work", name: "SOUL.md", content: "x" });
  const answer = await it.call("agents.delete", { agentId: "work" });
  expect(Check(schemas.AgentsDeleteResultSchema, answer)).toBe(true);
  expect(answer).toMatchObject({ removedBindings: 1, removed: [{ method: "trash" }] });
  expect(it.settings().config.bindings).toHaveLength(1);
  expect(it.settings().agents.map(({ id }) => id)).toEqual(["main"]);
  await expect(it.call("agents.delete", { agentId: "main" })).rejects.toThrow("the default");
});

test.each(["../openclaw.json", "notes.md", "SOUL.md/..", "/etc/passwd"])(
  "the file %s is none of an agent",
  async (name) => {
    await using it = await world(FAKE);
    await expect(it.call("agents.files.get", { agentId: "main", name })).rejects.toThrow(
      "unsupported file",
    );
    const set = it.call("agents.files.set", { agentId: "main", name, content: "x" });
    await expect(set).rejects.toThrow("unsupported file");
  },
);

test("a file of the workspace that is a link out of it is missing, and is not written to", async () => {
  await using it = await world(FAKE);
  await mkdir(join(it.stateDir, "workspace"));
  await symlink(it.path, join(it.stateDir, "workspace", "USER.md"));
  const file = { agentId: "main", name: "USER.md" };
  expect(await it.call("agents.files.get", file)).toMatchObject({ file: { missing: true } });
  const set = it.call("agents.files.set", { ...file, content: "x" });
  await expect(set).rejects.toMatchObject({ code: "forbidden" });
});

test("models.list says which models can be asked, and a client that wants details where they run", async () => {
  await using it = await world({
    ...FAKE,
    agents: { defaults: { model: { primary: "anthropic/claude-x", fallbacks: ["fake/fake-1"] } } },
  });
  expect(await it.call("models.list", { includeDetails: true })).toMatchObject({
    models: [
      { id: "claude-x", available: false, unavailableReason: "missing-auth", tags: ["default"] },
      { id: "fake-1", name: "Fake", available: true, local: true, tags: ["fallback#1"] },
    ],
  });
});

test.each([
  ["sk-right-key", "ok"],
  ["sk-wrong-key", "auth"],
])("models.probe with the key %s is %s", async (apiKey, status) => {
  await using there = await vendors();
  await using it = await world({
    ...FAKE,
    models: { providers: { fake: { baseUrl: `${there.url}/v1`, apiKey } } },
  });
  const answer = await it.call("models.probe", { provider: "fake" });
  expect(Check(schemas.ModelsProbeResultSchema, answer)).toBe(true);
  expect(answer).toMatchObject({ status });
  expect(JSON.stringify(answer)).not.toContain(apiKey);
});

test.each([
  ["42:good_good_good_good_good_good", { ok: true, bot: { id: 42, username: "my_bot" } }],
  ["42:evil_evil_evil_evil_evil_evil", { ok: false, error: "Telegram: Unauthorized (401)" }],
])("channels.status with a probe asks the platform (%s)", async (botToken, probe) => {
  await using there = await vendors();
  await using it = await world({
    ...FAKE,
    channels: { telegram: { botToken, apiRoot: there.url } },
  });
  const answer = await it.call("channels.status", { probe: true });
  expect(Check(schemas.ChannelsStatusResultSchema, answer)).toBe(true);
  expect(answer).toMatchObject({
    channelOrder: ["telegram"],
    channels: { telegram: { running: true, tokenSource: "config", probe } },
  });
  expect(JSON.stringify(answer)).not.toContain(botToken);
});

test("channels are started and stopped by their name, and by no other account", async () => {
  await using it = await world(FAKE);
  expect(await it.call("channels.stop", { channel: "telegram" })).toMatchObject({ stopped: true });
  await it.call("channels.start", { channel: "telegram", accountId: "default" });
  expect(it.asked).toEqual(["stop telegram", "start telegram"]);
  const other = it.call("channels.stop", { channel: "telegram", accountId: "work" });
  await expect(other).rejects.toThrow("no account");
});

test("a channel that is logged out has no token in the file any more", async () => {
  await using it = await world(FAKE);
  expect(await it.call("channels.logout", { channel: "telegram" })).toMatchObject({
    cleared: true,
    loggedOut: true,
  });
  expect(await readFile(it.path, "utf8")).not.toContain("good_good");
  expect(it.settings().telegram).toBeUndefined();
});

test("a parameter nobody knows is refused by every method", async () => {
  await using it = await world(FAKE);
  for (const [name] of allManagementMethods(it.parts)) {
    await expect(it.call(name, { bad: 1 }), name).rejects.toMatchObject({ name: "ZodError" });
  }
});
