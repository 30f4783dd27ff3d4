/** What a turn says of its agent, on the wire to its model. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, test } from "vitest";
import { callTools, reply } from "../../test/support/fake-model.ts";
import { startFakeOpenAi } from "../../test/support/fake-openai.ts";
import { createDirectory } from "../agents/directory.ts";
import type { AgentTool } from "../agents/tool.ts";
import { createTools } from "../agents/tools/registry.ts";
import { systemClock } from "../channels/clock.ts";
import { loadSettings } from "../config/resolve.ts";
import { createConfiguredModel } from "../models/registry.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import { HISTORY_LIMITS } from "./history.ts";
import { LiveRuns } from "./live-runs.ts";
import { Conversations } from "./session.ts";
import type { Turn } from "./turn.ts";

const never = new AbortController().signal;

async function world(config: object = {}) {
  await using made = new AsyncDisposableStack();
  const gpt = made.use(await startFakeOpenAi());
  const home = await mkdtemp(join(tmpdir(), "scope-"));
  made.defer(() => rm(home, { recursive: true, force: true }));
  const stateDir = join(home, ".openclaw");
  const workspace = join(stateDir, "workspace");
  await mkdir(join(workspace, "skills", "notes"), { recursive: true });
  await writeFile(join(workspace, "AGENTS.md"), "Obey Ada.");
  await writeFile(join(workspace, "USER.md"), "Ada lives in Turin.");
  await writeFile(
    join(workspace, "skills", "notes", "SKILL.md"),
    "---\nname: notes\ndescription: Takes notes.\n---\nWrite small.",
  );
  const provider = { baseUrl: gpt.baseUrl, apiKey: "sk-test-key", api: "openai-completions" };
  await writeFile(
    join(stateDir, "openclaw.json"),
    JSON.stringify({
      models: { providers: { gpt: provider, other: provider } },
      agents: { defaults: { model: { primary: "gpt/five", fallbacks: ["other/six"] } } },
      ...config,
    }),
  );
  const loaded = await loadSettings({ env: {}, cwd: home, home, uid: undefined, flags: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const directory = createDirectory({
    settings: () => loaded.value,
    createModel: createConfiguredModel,
    tools: createTools(() => 0),
  });
  const sent: unknown[] = [];
  const send: AgentTool = {
    spec: { name: "message", description: "", parameters: { type: "object" } },
    for: "owner",
    run: (input) => Promise.resolve(`sent ${sent.push(input)}`),
  };
  directory.equip([send]);
  directory.knowOwner(({ conversation }) => Promise.resolve(conversation === "42"));
  const store = made.use(await openSqliteStore({ stateDir: home, now: systemClock.now }));
  const conversations = new Conversations({
    store,
    runs: new LiveRuns(systemClock.now),
    agent: (id, model, scope) => directory.settingsFor(id, model, scope),
    limits: HISTORY_LIMITS,
    clock: systemClock,
    random: () => 0,
    log: pino({ level: "silent" }),
  });
  const stack = made.move();
  const bodies = (): Record<string, unknown>[] =>
    gpt.requests.map(({ body }) => JSON.parse(JSON.stringify(body)));
  return {
    gpt,
    sent,
    bodies,
    system: (at = 0) => JSON.stringify(bodies()[at]?.["messages"]),
    tools(at = 0): unknown {
      const tools = bodies()[at]?.["tools"];
      return Array.isArray(tools) ? tools.map((one) => one.function.name) : [];
    },
    run: (turn: Partial<Turn> = {}) =>
      Array.fromAsync(
        conversations.run(
          {
            sessionKey: "agent:main:main",
            messages: [{ role: "user", text: "hi" }],
            continues: true,
            via: "test",
            kind: "chat",
            asOwner: true,
            ...turn,
          },
          never,
        ),
      ),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("a model is told the files and the skills, and reads one that it was told of", async () => {
  await using w = await world();
  const path = "~/.openclaw/workspace/skills/notes/SKILL.md";
  w.gpt.next(
    callTools([{ id: "r", name: "read", input: JSON.stringify({ path }) }]),
    reply("Small it is."),
  );
  await w.run();
  expect(w.tools()).toEqual(["current_time", "read", "message"]);
  expect(w.system()).toContain("Obey Ada.");
  expect(w.system()).toContain(`<location>${path}</location>`);
  expect(w.system(1)).toContain("Write small.");
});

test.each([
  ["42", true],
  ["77", false],
])("whoever writes from %s on a channel is told about the owner: %s", async (sender, isTold) => {
  await using w = await world();
  w.gpt.next(reply("ok"));
  const origin = { channel: "telegram", conversation: sender };
  await w.run({
    sessionKey: `agent:main:telegram:direct:${sender}`,
    kind: "channel",
    origin,
    asOwner: false,
  });
  expect(w.system()).toContain("Obey Ada.");
  expect(w.system().includes("Turin")).toBe(isTold);
  expect(w.tools()).toEqual(["current_time", "read", ...(isTold ? ["message"] : [])]);
});

test("a turn without files is told its skills all the same", async () => {
  await using w = await world();
  w.gpt.next(reply("ok"));
  await w.run({ lightContext: true });
  expect(w.system()).not.toContain("Obey Ada.");
  expect(w.system()).toContain("<name>notes</name>");
});

test.each<[Partial<Turn>, string[]]>([
  [{ toolsAllow: [] }, []],
  [{ toolsAllow: ["message", "exec"] }, ["message"]],
  [{ toolsAllow: ["group:fs"] }, ["read"]],
  [{ asOwner: false }, ["current_time", "read"]],
  [{ sessionKey: "agent:main:telegram:group:-1", kind: "channel" }, ["current_time", "read"]],
])("a turn with %j has the tools %j", async (turn, names) => {
  await using w = await world();
  w.gpt.next(reply("ok"));
  await w.run(turn);
  expect(w.tools()).toEqual(names);
  expect(w.system().includes("<name>notes</name>")).toBe(names.includes("read"));
});

test("a tool that was not shown is not run when a model calls it anyway", async () => {
  await using w = await world();
  const call = { id: "m", name: "message", input: '{"text":"hi"}' };
  w.gpt.next(callTools([call]), reply("ok"));
  await w.run({ toolsAllow: ["current_time"] });
  expect(w.sent).toEqual([]);
  expect(w.system(1)).toContain("There is no tool");
});

test("what a provider may use counts for its models alone, when one stands in as well", async () => {
  const byProvider = { gpt: { deny: ["message"] }, "other/six": { profile: "minimal" } };
  await using w = await world({ tools: { byProvider } });
  const call = { id: "m", name: "message", input: "{}" };
  w.gpt.next(callTools([call]), reply("ok"));
  await w.run();
  expect(w.tools()).toEqual(["current_time", "read"]);
  expect(w.sent).toEqual([]);
  w.gpt.next(reply("ok"));
  await w.run({ model: "other/six" });
  expect(w.tools(2)).toEqual(["current_time"]);
});

test("a turn names who stands in for its model", async () => {
  await using w = await world();
  w.gpt.next(
    { kind: "fail", status: 404, headers: {}, body: '{"error":{"message":"no such model"}}' },
    reply("ok"),
  );
  await w.run({ fallbacks: ["other/seven"] });
  expect(w.bodies().map((body) => body["model"])).toEqual(["five", "seven"]);
});
