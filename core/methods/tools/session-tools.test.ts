import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { callerOf, GUEST, OWNER } from "../../../test/support/tool-callers.ts";
import type { ToolCaller } from "../../agents/tool.ts";
import { openSqliteStore } from "../../store/sqlite/open.ts";
import type { SessionEntry } from "../../store/entry.ts";
import { sessionTools } from "./session-tools.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");

async function sessionsWorld() {
  const folder = await mkdtemp(join(tmpdir(), "tools-"));
  const store = await openSqliteStore({ stateDir: folder, now: () => NOW });
  const say = (sessionKey: string, text: string, origin?: SessionEntry["run"]): Promise<void> =>
    store.sessions.add({
      sessionKey,
      messages: [
        { role: "user", text },
        { role: "assistant", text: "", toolCalls: [{ id: "1", name: "x", input: "{}" }] },
        { role: "tool", callId: "1", text: "looked up" },
        { role: "assistant", text: `re: ${text}`, toolCalls: [] },
      ],
      usage: { inputTokens: 3, outputTokens: 4 },
      at: NOW - 1_000,
      run: origin,
    });
  const profile = {
    id: "main",
    name: "Molty",
    isDefault: true,
    identity: {},
    workspace: "/w",
    modelRefs: ["demo/echo"],
    toolNames: [],
  } as const;
  const tools = sessionTools({
    sessions: store.sessions,
    runs: { active: () => [] },
    directory: { list: () => [profile], find: () => profile },
    now: () => NOW,
  });
  return {
    say,
    store,
    call: (name: string, input: unknown, who: ToolCaller = OWNER): Promise<string> => {
      const tool = tools.find(({ spec }) => spec.name === name);
      if (tool === undefined) throw new Error(name);
      return callerOf(tool)(input, who);
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

test("a session says what it is, and to its owner what others of the agent are", async () => {
  await using w = await sessionsWorld();
  await w.say("agent:main:main", "hello");
  await w.say("agent:main:telegram:group:-1", "all");
  await w.say("agent:work:main", "secret plans");
  expect(JSON.parse(await w.call("session_status", {}))).toMatchObject({
    time: "2026-11-22T12:00:00.000Z",
    sessionKey: "agent:main:main",
    model: "demo/echo",
    inputTokens: 3,
  });
  const nowhere = { ...OWNER, sessionKey: undefined };
  expect(JSON.parse(await w.call("session_status", {}, nowhere))).toMatchObject({
    sessionKey: "agent:main:main",
    messages: 4,
  });
  const guestOfNone = { ...GUEST, sessionKey: undefined };
  expect(await w.call("session_status", {}, guestOfNone)).toMatch(/not one you may look into/);
  const other = { sessionKey: "agent:main:telegram:group:-1" };
  expect(await w.call("session_status", other)).toContain("group:-1");
  expect(await w.call("session_status", {}, GUEST)).toContain("group:-1");
  expect(await w.call("session_status", { sessionKey: "main" }, GUEST)).toMatch(/not one you may/);
  expect(await w.call("session_status", { sessionKey: "agent:work:main" })).toMatch(/not one/);
});

test("the owner's agent lists and reads its own sessions and no other agent's", async () => {
  await using w = await sessionsWorld();
  await w.say("agent:main:main", "hello");
  await w.say("agent:main:cron:1:run:1", "job");
  await w.say("agent:work:main", "secret plans");
  const { total, sessions } = JSON.parse(await w.call("sessions_list", { limit: 1 }));
  expect([total, sessions.length]).toEqual([2, 1]);
  expect(await w.call("sessions_list", {})).not.toContain("work");
  const read = JSON.parse(await w.call("sessions_history", { sessionKey: "main" }));
  expect(read.messages).toMatchObject([
    { role: "user", text: "hello" },
    { role: "assistant", text: "re: hello" },
  ]);
  const all = { sessionKey: "main", includeTools: true };
  expect(await w.call("sessions_history", all)).toContain("looked up");
  expect(await w.call("sessions_history", { sessionKey: "agent:work:main" })).toMatch(/not one/);
  expect(await w.call("sessions_history", { sessionKey: "AGENT:WORK:main" })).toMatch(/not one/);
  expect(await w.call("sessions_history", { sessionKey: "nobody" })).toMatch(/no session/);
  expect(JSON.parse(await w.call("agents_list", {}))).toMatchObject({ agents: [{ id: "main" }] });
});

test("a history that is too long is cut to what a model can take", async () => {
  await using w = await sessionsWorld();
  for (let at = 0; at < 30; at += 1) await w.say("agent:main:main", "x".repeat(9_000));
  const text = await w.call("sessions_history", { sessionKey: "main", limit: 100 });
  expect(text.length).toBeLessThan(49_000);
});

test.each([
  ["session_status", { sessionKey: 5 }],
  ["session_status", { model: "x/y" }],
  ["sessions_list", { limit: 1e9 }],
  ["sessions_list", { agentId: "work" }],
  ["sessions_history", {}],
  ["sessions_history", { sessionKey: "" }],
  ["agents_list", { all: true }],
  ["agents_list", null],
])("%s refuses %j", async (name, input) => {
  await using w = await sessionsWorld();
  expect(await w.call(name, input)).toMatch(/^Bad input: /);
});
