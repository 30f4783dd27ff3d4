import { expect, test } from "vitest";
import type { AgentEntry } from "../config/agents.ts";
import type { AgentTool, ToolCaller } from "./tool.ts";
import { Toolbox } from "./toolbox.ts";
import type { TurnScope } from "./turn-scope.ts";

const callers: ToolCaller[] = [];

function tool(name: string, reach: AgentTool["for"]): AgentTool {
  return {
    spec: { name, description: "", parameters: { type: "object" } },
    for: reach,
    run(_input, _signal, caller) {
      callers.push(caller);
      return Promise.resolve(name);
    },
  };
}

const ENTRY: AgentEntry = {
  id: "main",
  isDefault: true,
  name: undefined,
  identity: {},
  workspace: "/w",
  modelRefs: ["demo/echo"],
  hasOwnModel: false,
  toolPolicies: [],
  skills: undefined,
  promptLimits: { maxChars: 1, maxTotalChars: 1, maxSkillsChars: 1 },
  systemPromptOverride: undefined,
};

function world(): Toolbox {
  const box = new Toolbox([tool("clock", "anyone"), tool("cron", "owner")]);
  box.knowOwner(({ channel, conversation }) =>
    Promise.resolve(channel === "telegram" && conversation === "42"),
  );
  return box;
}

async function namesIn(scope: TurnScope, entry = ENTRY): Promise<string[]> {
  return (await world().usable(entry, scope)).map(({ spec }) => spec.name);
}

const MAIN = "agent:main:main";
const mine = { channel: "telegram", conversation: "42" };
const theirs = { channel: "telegram", conversation: "43" };

test.each<[string, TurnScope, boolean]>([
  ["the owner's client asks", { sessionKey: MAIN, kind: "chat", asOwner: true }, true],
  ["a client with fewer rights asks", { sessionKey: MAIN, kind: "chat", asOwner: false }, false],
  ["nobody says who asks", { sessionKey: MAIN, kind: "chat" }, false],
  ["nothing is known", {}, false],
  ["the owner writes on a channel", { sessionKey: MAIN, kind: "channel", origin: mine }, true],
  ["somebody else does", { sessionKey: MAIN, kind: "channel", origin: theirs }, false],
  [
    "somebody else does, and claims to be",
    { sessionKey: MAIN, kind: "channel", origin: theirs, asOwner: true },
    false,
  ],
  [
    "a channel does not say who writes",
    { sessionKey: MAIN, kind: "channel", asOwner: true },
    false,
  ],
  [
    "a job of the owner runs",
    { sessionKey: "agent:main:cron:1:run:1", kind: "cron", asOwner: true },
    true,
  ],
  ["a webhook asks", { sessionKey: MAIN, kind: "hook", asOwner: true }, false],
  ["a heartbeat asks", { sessionKey: MAIN, kind: "heartbeat" }, false],
  [
    "the owner asks in a group",
    { sessionKey: "agent:main:telegram:group:-1", kind: "channel", origin: mine },
    false,
  ],
  [
    "the owner's client asks in a group",
    { sessionKey: "agent:main:telegram:group:-1", kind: "chat", asOwner: true },
    false,
  ],
  [
    "the owner's client goes on with the conversation of a webhook",
    { sessionKey: "agent:main:hook:github:1", kind: "chat", asOwner: true },
    false,
  ],
  [
    "the owner's client has the answer told to them",
    { sessionKey: MAIN, kind: "agent", asOwner: true, origin: mine },
    true,
  ],
  [
    "the owner's client has the answer told to somebody else",
    { sessionKey: MAIN, kind: "agent", asOwner: true, origin: theirs },
    false,
  ],
  ["a helper asks", { sessionKey: "agent:main:subagent:1", kind: "agent", asOwner: true }, false],
])("when %s, tools for the owner are there: %s", async (_name, scope, there) => {
  expect(await namesIn(scope)).toEqual(there ? ["clock", "cron"] : ["clock"]);
});

test.each<[readonly string[], string[]]>([
  [["*"], ["clock", "cron"]],
  [["CRON"], ["cron"]],
  [["group:automation"], ["cron"]],
  [["c*k"], ["clock"]],
  [["exec"], []],
  [[], []],
])("a turn that may use %j has no others", async (toolsAllow, names) => {
  expect(await namesIn({ asOwner: true, toolsAllow })).toEqual(names);
});

test("what a turn may use is never more than its agent may", async () => {
  const entry = { ...ENTRY, toolPolicies: [{ deny: ["cron"] }] };
  expect(await namesIn({ asOwner: true, toolsAllow: ["*"] }, entry)).toEqual(["clock"]);
});

test("a tool knows for whom it runs, and what there is beside it", async () => {
  const scope = { sessionKey: "agent:main:cron:1:run:1", kind: "cron", asOwner: true };
  const [clock] = await world().usable(ENTRY, scope);
  await clock?.run({}, new AbortController().signal);
  expect(callers.at(-1)).toEqual({
    agentId: "main",
    sessionKey: "agent:main:cron:1:run:1",
    isOwner: true,
    isAttended: false,
    tools: ["clock", "cron"],
  });
});

test("a tool that is added takes the place of one with its name", () => {
  const box = world();
  box.add([tool("cron", "anyone"), tool("more", "anyone")]);
  expect(box.all.map((one) => [one.spec.name, one.for])).toEqual([
    ["clock", "anyone"],
    ["cron", "anyone"],
    ["more", "anyone"],
  ]);
});
