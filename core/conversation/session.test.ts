import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, test } from "vitest";
import { fails, says, ScriptedModel, waitsFor } from "../../test/support/scripted-model.ts";
import { systemClock } from "../channels/clock.ts";
import type { AgentEvent } from "../agents/event.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import type { Message } from "../store/message.ts";
import { HISTORY_LIMITS } from "./history.ts";
import { LiveRuns } from "./live-runs.ts";
import { Conversations } from "./session.ts";
import type { Turn } from "./turn.ts";

const never = new AbortController().signal;
const user = (text: string): Message => ({ role: "user", text });

async function world(limits = HISTORY_LIMITS) {
  const stateDir = mkdtempSync(join(tmpdir(), "sallyport-"));
  const store = await openSqliteStore({ stateDir, now: systemClock.now });
  const model = new ScriptedModel();
  const runs = new LiveRuns(systemClock.now);
  const conversations = new Conversations({
    store,
    runs,
    agent: () => ({ models: [model], tools: [], system: "" }),
    limits,
    clock: systemClock,
    random: () => 0,
    log: pino({ level: "silent" }),
  });
  return {
    store,
    model,
    run: (turn: Partial<Turn>, signal = never) =>
      conversations.run(
        { sessionKey: "s", messages: [user("hi")], continues: true, via: "test", ...turn },
        signal,
      ),
    texts: async () => (await store.history("s", 100)).map(({ message }) => message.text),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      rmSync(stateDir, { recursive: true });
    },
  };
}

const diskFull = (): Promise<never> => Promise.reject(new Error("disk full"));

async function last(events: AsyncIterable<AgentEvent>): Promise<AgentEvent | undefined> {
  return (await Array.fromAsync(events)).at(-1);
}

test("what a turn was told is kept with it, also when it could not be kept as it was", async () => {
  await using conversation = await world();
  const { model, run } = conversation;
  model.next(async function* () {
    yield { type: "tool_call", call: { id: "c", name: "none", input: "{}" } };
    yield { type: "done", stop: "tool_calls", usage: { inputTokens: 1, outputTokens: 1 } };
  });
  const kept: string[][] = [];
  const told = [user("and this")];
  const turn: Partial<Turn> = {
    heard: () => Promise.resolve(told.splice(0)),
    commit: diskFull,
    broken(_failure, entry) {
      kept.push(entry.messages.map(({ text }) => text));
      return Promise.resolve("over" as const);
    },
  };
  expect(await last(run(turn))).toMatchObject({ type: "failed", code: "internal" });
  expect(kept).toEqual([["hi", "and this", "echo: and this"]]);
});

const EVER = { from: 0, until: Number.MAX_SAFE_INTEGER };

test("each request to a model is counted, with the turn or without it", async () => {
  await using conversation = await world();
  const { store, model, run } = conversation;
  await last(run({}));
  model.next(fails("model_overloaded"));
  await last(run({}));
  const info = await store.sessions.find("s");
  expect(info).toMatchObject({ messageCount: 2, inputTokens: 3, outputTokens: 2 });
  expect(info).toMatchObject({ contextTokens: 3, contextFresh: true });
  const calls = await store.usage.calls(info?.sessionId ?? "", 9);
  expect(calls).toMatchObject([
    { ok: true, input: 3, output: 2, provider: "test", model: "scripted" },
    { ok: false, input: 0, output: 0 },
  ]);
  expect(new Set(calls.map((one) => one.run)).size).toBe(2);
});

test("what an aborted turn took is counted once", async () => {
  await using conversation = await world();
  const { store, model, run } = conversation;
  const usage = { inputTokens: 7, outputTokens: 1 };
  model.next(async function* () {
    yield { type: "text", delta: "half" };
    const message = "cut off";
    yield { type: "failed", code: "canceled", message, retryAfterMs: undefined, usage };
  });
  await last(run({}));
  await last(run({}));
  const { sums } = await store.usage.report(EVER);
  expect(sums).toMatchObject([{ calls: 2, answered: 1, input: 10, output: 3 }]);
});

test("a turn is kept before its end is told", async () => {
  await using conversation = await world();
  for await (const event of conversation.run({})) {
    if (event.type === "done") expect(await conversation.texts()).toEqual(["hi", "echo: hi"]);
  }
});

test("a failed turn leaves nothing behind", async () => {
  await using conversation = await world();
  conversation.model.next(fails("model_unauthorized", { after: "Well" }));
  expect(await last(conversation.run({}))).toMatchObject({
    type: "failed",
    code: "model_unauthorized",
    partialText: "Well",
  });
  expect(await conversation.texts()).toEqual([]);
});

test("a caller with its own history is answered from it, and only its news is kept", async () => {
  await using conversation = await world();
  const first = [{ role: "system", text: "be brief" } as const, user("one")];
  await last(conversation.run({ messages: first, continues: false }));
  const answer: Message = { role: "assistant", text: "as the caller has it", toolCalls: [] };
  const second = [...first, answer, user("two")];
  await last(conversation.run({ messages: second, continues: false }));
  expect(conversation.model.requests[1]?.messages).toEqual(second);
  expect(await conversation.texts()).toEqual(["one", "echo: one", "two", "echo: two"]);
});

test("a history that a caller brings to a fresh session is kept whole", async () => {
  await using conversation = await world();
  const answer: Message = { role: "assistant", text: "b", toolCalls: [] };
  await last(conversation.run({ messages: [user("a"), answer, user("c")], continues: false }));
  expect(await conversation.texts()).toEqual(["a", "b", "c", "echo: c"]);
});

test("only so much of a long session reaches the model", async () => {
  await using conversation = await world({ maxMessages: 100, maxUnits: 20 });
  for (const text of ["first", "second", "third"]) {
    await last(conversation.run({ messages: [user(text)] }));
  }
  const seen = conversation.model.requests.at(-1)?.messages.map(({ text }) => text);
  expect(seen).toEqual(["second", "echo: second", "third"]);
});

test("leaving the loop early lets the next turn begin", async () => {
  await using conversation = await world();
  for await (const event of conversation.run({})) if (event.type === "text") break;
  expect(await last(conversation.run({}))).toMatchObject({ type: "done" });
});

test("a turn that is given up while it waits is canceled, and so is one under way", async () => {
  await using conversation = await world();
  conversation.model.next(waitsFor(new Promise(() => undefined)));
  const stop = new AbortController();
  const underWay = last(conversation.run({}, stop.signal));
  const waiting = last(conversation.run({}, stop.signal));
  stop.abort();
  expect(await underWay).toMatchObject({ type: "failed", code: "canceled" });
  expect(await waiting).toMatchObject({ type: "failed", code: "canceled" });
});

test("too many turns at once are refused with the time to come back", async () => {
  await using conversation = await world();
  const gate = Promise.withResolvers<void>();
  conversation.model.next(waitsFor(gate.promise));
  const turns = Array.from({ length: 34 }, () => last(conversation.run({})));
  expect(await turns.at(-1)).toMatchObject({
    type: "failed",
    code: "overloaded",
    retryAfterMs: 10_000,
  });
  gate.resolve();
  const ends = await Promise.all(turns);
  expect(ends.filter((event) => event?.type === "done")).toHaveLength(33);
});

test("an answer that could not be kept is a failure, not a success", async () => {
  await using conversation = await world();
  conversation.model.next(says("fine"));
  expect(await last(conversation.run({ commit: diskFull }))).toMatchObject({
    type: "failed",
    code: "internal",
  });
});
