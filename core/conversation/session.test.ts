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
import type { Turn } from "./session.ts";

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
