import {
  SessionRowSchema,
  SessionsCreateResultSchema,
  SessionsDeleteResultSchema,
  SessionsForkResultSchema,
  SessionsPatchManyResultSchema,
  SessionsResolveResultSchema,
  SessionsSearchResultSchema,
} from "@openclaw/gateway-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  type ChatWorld,
  Facts,
  mustFit,
  startChatWorld,
  texts,
} from "../../../test/support/chat-world.ts";
import { reply } from "../../../test/support/fake-model.ts";
import { eventually } from "../../../test/support/until.ts";

let w: ChatWorld;

beforeAll(async () => {
  w = await startChatWorld();
});
beforeEach(() => w.begin());
afterAll(() => w[Symbol.asyncDispose]());

test("followers of a session hear what is said in it, others do not", async () => {
  await w.request("sessions.subscribe", {});
  expect(await w.request("sessions.messages.subscribe", { key: w.key })).toEqual({
    subscribed: true,
    key: w.key,
  });
  await w.send("hi", "follow-1");
  await eventually(() => {
    const said = w.heard.filter(({ event }) => event === "session.message");
    expect(said.map(({ payload }) => payload["messageSeq"])).toEqual([1, 2]);
  });
  await eventually(() => {
    const phases = w.heard.filter(({ event }) => event === "sessions.changed");
    expect(phases.map(({ payload }) => payload["phase"])).toEqual(["start", "end"]);
  });
  await w.request("sessions.messages.unsubscribe", { key: w.key });
  w.heard.length = 0;
  await w.send("again", "follow-2");
  await w.ended("follow-2", "final");
  await w.request("sessions.unsubscribe", {});
  expect(w.heard.filter(({ event }) => event === "session.message")).toEqual([]);
});

test("a session is made, changed, forked, found, begun anew and removed", async () => {
  const made = await w.request("sessions.create", { label: "Made", message: "hi there" });
  mustFit(SessionsCreateResultSchema, made);
  const { key: own, runId } = Facts.parse(made);
  await w.request("agent.wait", { runId });
  const patched = await w.request("sessions.patch", { key: own, pinned: true, label: "Mine" });
  expect(patched).toMatchObject({ ok: true, entry: { label: "Mine", pinned: true } });
  const stale = w.request("sessions.patch", {
    key: own,
    label: "X",
    expectedSessionId: "other",
  });
  await expect(stale).rejects.toThrow();
  const many = await w.request("sessions.patchMany", {
    targets: [{ key: own }, { key: own, expectedSessionId: "other" }],
    patch: { unread: true },
  });
  mustFit(SessionsPatchManyResultSchema, many);
  expect(many).toMatchObject({ outcomes: [{ ok: true }, { ok: false }] });
  for (const name of [{ label: "Mine" }, { key: own }]) {
    const resolved = await w.request("sessions.resolve", name);
    mustFit(SessionsResolveResultSchema, resolved);
    expect(resolved).toMatchObject({ ok: true, key: own, agentId: "main" });
  }
  const missing = await w.request("sessions.resolve", { label: "no", allowMissing: true });
  mustFit(SessionsResolveResultSchema, missing);
  const found = await w.request("sessions.search", { query: "HI THERE" });
  mustFit(SessionsSearchResultSchema, found);
  const list = await w.request("sessions.list", {
    search: own.slice(-12),
    includeLastMessage: true,
    includeDerivedTitles: true,
  });
  expect(list).toMatchObject({ count: 1, sessions: [{ key: own, derivedTitle: "hi there" }] });
  for (const row of Facts.parse(list).sessions) mustFit(SessionRowSchema, row);
  const history = await w.request("chat.history", { sessionKey: own });
  const entryId = Facts.parse(history).messages[0]?.id;
  const fork = await w.request("sessions.fork", { sessionKey: own, entryId });
  mustFit(SessionsForkResultSchema, fork);
  const preview = await w.request("sessions.preview", { keys: [own, "nobody"] });
  expect(preview).toMatchObject({ previews: [{ status: "ok" }, { status: "missing" }] });
  expect(await w.request("sessions.reset", { key: own })).toMatchObject({ ok: true });
  expect(await w.request("chat.history", { sessionKey: own })).toMatchObject({ messages: [] });
  const removed = await w.request("sessions.delete", { key: own });
  mustFit(SessionsDeleteResultSchema, removed);
  expect(removed).toMatchObject({ deleted: true });
  expect(await w.request("sessions.describe", { key: own })).toEqual({ session: null });
});

test("a history is read in pages, and what is new by its cursor", async () => {
  for (const word of ["a", "b", "c"]) {
    await w.send(word, `page-${word}`);
    await w.request("agent.wait", { runId: `page-${word}` });
  }
  const newest = await w.request("chat.history", { sessionKey: w.key, limit: 2 });
  expect(newest).toMatchObject({ hasMore: true, nextOffset: 2, totalMessages: 6 });
  expect(texts(newest)).toEqual(["c", "You said c"]);
  const older = await w.request("chat.history", { sessionKey: w.key, limit: 4, offset: 2 });
  expect(texts(older)).toEqual(["a", "You said a", "b", "You said b"]);
  expect(older).toMatchObject({ hasMore: false });
  const { deltaCursor: cursor } = Facts.parse(newest);
  await w.send("d", "page-d");
  await w.request("agent.wait", { runId: "page-d" });
  const news = await w.request("chat.history", { sessionKey: w.key, cursor });
  expect(news).toMatchObject({ kind: "delta" });
  expect(texts(news)).toEqual(["d", "You said d"]);
  await w.request("sessions.reset", { key: w.key });
  expect(await w.request("chat.history", { sessionKey: w.key, cursor })).toEqual({
    kind: "reset",
  });
  const small = await w.request("chat.startup", { sessionKey: w.key, limit: 80, maxBytes: 1 });
  expect(small).toMatchObject({ messages: [] });
  expect(small).toHaveProperty("metadata.commands[4].textAliases", ["/stop", "/abort"]);
});

test("a long session is compacted: its model gets a summary, people still see it all", async () => {
  expect(await w.request("sessions.compact", { key: w.key })).toEqual({
    ok: false,
    key: w.key,
    compacted: false,
    reason: "no such session",
  });
  for (let turn = 0; turn < 6; turn += 1) {
    await w.send(`fact ${turn}`, `compact-${turn}`);
    await w.request("agent.wait", { runId: `compact-${turn}` });
  }
  w.model.next(reply("SUMMARY OF FACTS"));
  expect(await w.request("sessions.compact", { key: w.key, maxLines: 4 })).toMatchObject({
    ok: true,
    compacted: true,
    summarizedMessages: 8,
  });
  await w.send("go on", "compact-after");
  await w.request("agent.wait", { runId: "compact-after" });
  const body = w.sentLast();
  expect(body).toContain("SUMMARY OF FACTS");
  expect(body).not.toContain("fact 3");
  expect(body).toContain("fact 4");
  const history = await w.request("chat.history", { sessionKey: w.key });
  expect(history).toMatchObject({ totalMessages: 14 });
});

test("tokens are summed up over the sessions of a span of days", async () => {
  await w.send("count me", `usage-${w.key}`);
  await w.request("agent.wait", { runId: `usage-${w.key}` });
  const usage = await w.request("sessions.usage", { key: w.key, range: "7d" });
  expect(usage).toMatchObject({
    sessions: [{ key: w.key, agentId: "main", usage: { totalTokens: expect.any(Number) } }],
    aggregates: { messages: { total: 2 } },
  });
  const old = await w.request("sessions.usage", { endDate: "2020-01-01", startDate: "2019-01-01" });
  expect(old).toMatchObject({ sessions: [], totals: { totalTokens: 0 } });
  await expect(w.request("sessions.usage", { startDate: "yesterday" })).rejects.toThrow(
    "startDate",
  );
});
