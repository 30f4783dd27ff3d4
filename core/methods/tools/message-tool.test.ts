import { expect, test } from "vitest";
import { callerOf } from "../../../test/support/tool-callers.ts";
import type { Notice } from "../../conversation/engine.ts";
import type { SessionInfo } from "../../store/session.ts";
import { messageTool } from "./message-tool.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");

function messageWorld(origin?: { channel: string; conversation: string }) {
  const told: Notice[] = [];
  const clock = { now: NOW };
  const call = callerOf(
    messageTool({
      sessions: { find: async () => (origin === undefined ? undefined : { ...INFO, origin }) },
      hasChannel: (id) => id === "telegram",
      tell: async (notice) => told.push(notice),
      now: () => clock.now,
      newId: () => String(told.length),
    }),
  );
  return { told, clock, call };
}

const INFO: SessionInfo = {
  key: "agent:main:main",
  sessionId: "s",
  revision: 0,
  createdAt: 0,
  updatedAt: 0,
  messageCount: 0,
  inputTokens: 0,
  outputTokens: 0,
  contextTokens: 0,
  contextFresh: true,
  costUsd: undefined,
  origin: undefined,
  label: undefined,
  settings: {},
  createdBy: "chat",
  archivedAt: undefined,
  lastInteractionAt: undefined,
  lastRun: undefined,
  compactions: 0,
  previousId: undefined,
  parentKey: undefined,
};

test("a message goes where it is to go, or to where the session was last talked to", async () => {
  const w = messageWorld({ channel: "telegram", conversation: "42" });
  await w.call({ action: "send", message: "hi" });
  await w.call({ action: "send", message: "ho", channel: "telegram", target: "telegram:43" });
  expect(w.told).toEqual([
    { id: "tool/0", channel: "telegram", conversation: "42", text: "hi" },
    { id: "tool/1", channel: "telegram", conversation: "43", text: "ho" },
  ]);
});

test.each([
  [{ action: "send", message: "hi" }, /Name the channel/],
  [{ action: "send", message: "hi", channel: "slack", target: "x" }, /no channel slack/],
  [{ action: "send", message: "hi", channel: "telegram" }, /Name the target/],
  [{ action: "send", message: " ", channel: "telegram", target: "4" }, /nothing in the message/],
  [{ action: "send", message: "", channel: "telegram", target: "4" }, /^Bad input/],
  [{ action: "delete", message: "x", target: "4" }, /^Bad input/],
  [{ action: "send", message: "x".repeat(20_000), target: "4" }, /^Bad input/],
  [{ action: "send", message: "x", target: "4", media: "/etc/passwd" }, /^Bad input/],
])("the message %j is not sent", async (input, why) => {
  const w = messageWorld();
  expect(await w.call(input)).toMatch(why);
  expect(w.told).toEqual([]);
});

test("an agent that writes without end is stopped, for a while", async () => {
  const w = messageWorld({ channel: "telegram", conversation: "42" });
  for (let at = 0; at < 25; at += 1) await w.call({ action: "send", message: "hi" });
  expect(w.told).toHaveLength(20);
  w.clock.now += 600_000;
  expect(await w.call({ action: "send", message: "hi" })).toContain("queued");
});
