import { describe, expect, test } from "vitest";
import type { Message } from "../../../core/store/message.ts";
import type { Store } from "../../../core/store/store.ts";
import type { ModelCall, UsageSum } from "../../../core/store/usage.ts";
import { item, NOW, type StoreMaker, takeIds, world } from "./world.ts";
import type { SessionEntry } from "../../../core/store/entry.ts";

const MAIN = "agent:main:main";
const HOUR_MS = 3_600_000;
const COST = { input: 0.5, output: 0.25, cacheRead: 0.125, cacheWrite: 0 };
const EVER = { from: 0, until: Number.MAX_SAFE_INTEGER };

function call(over: Partial<ModelCall> = {}): ModelCall {
  return {
    at: NOW,
    durationMs: 20,
    model: "acme/x",
    ok: true,
    usage: { inputTokens: 10, outputTokens: 4, cacheReadTokens: 3, cacheWriteTokens: 2 },
    cost: COST,
    tools: [],
    ...over,
  };
}

function turn(calls: readonly ModelCall[], over: Partial<SessionEntry> = {}): SessionEntry {
  const messages: Message[] = [
    { role: "user", text: "q" },
    { role: "assistant", text: "a", toolCalls: [] },
  ];
  const usage = { inputTokens: 10, outputTokens: 4 };
  return { sessionKey: MAIN, messages, usage, calls, at: NOW, ...over };
}

async function idOf(store: Store, key = MAIN): Promise<string> {
  return (await store.sessions.find(key))?.sessionId ?? "none";
}

async function sums(store: Store, span: object = {}): Promise<readonly UsageSum[]> {
  return (await store.usage.report({ ...EVER, ...span })).sums;
}

export function describeUsage(make: StoreMaker): void {
  describe("usage", () => {
    test("what a turn used is there with it, tokens apart and with its cost", async () => {
      await using w = await world(make);
      const tools = ["look", "look", "write"];
      await w.store.sessions.add(turn([call({ tools }), call({ at: NOW + 1, durationMs: 40 })]));
      await w.reopen();
      const report = await w.store.usage.report(EVER);
      expect(report.sums).toMatchObject([
        {
          agentId: "main",
          channel: "",
          provider: "acme",
          model: "x",
          slotAt: 0,
          calls: 2,
          answered: 2,
          counted: 2,
          questions: 1,
          toolCalls: 3,
          input: 10,
          output: 8,
          cacheRead: 6,
          cacheWrite: 4,
          firstAt: NOW,
          lastAt: NOW + 1,
          timed: 2,
          durationMs: 60,
          minMs: 20,
          maxMs: 40,
          cost: { input: 1, output: 0.5, cacheRead: 0.25, cacheWrite: 0 },
        },
      ]);
      expect(report.p95Ms).toBe(40);
      expect(report.tools).toEqual([
        { name: "look", count: 2 },
        { name: "write", count: 1 },
      ]);
    });

    test("a session knows what it has used, what that cost, and how full its context is", async () => {
      await using w = await world(make);
      const second = call({ usage: { inputTokens: 30, outputTokens: 1 } });
      await w.store.sessions.add(turn([call(), second]));
      expect(await w.store.sessions.find(MAIN)).toMatchObject({
        inputTokens: 40,
        outputTokens: 5,
        costUsd: 1.75,
        contextTokens: 30,
        contextFresh: true,
      });
      // Something was said that no model has read.
      await w.store.sessions.add(turn([], { usage: { inputTokens: 0, outputTokens: 0 } }));
      const stale = { contextTokens: 30, contextFresh: false, costUsd: 1.75 };
      expect(await w.store.sessions.find(MAIN)).toMatchObject(stale);
      await w.store.sessions.add(turn([call({ cost: undefined })]));
      const fresh = { contextTokens: 10, contextFresh: true, costUsd: 1.75 };
      expect(await w.store.sessions.find(MAIN)).toMatchObject(fresh);
      const place = { summary: "s", upTo: 2, sessionId: await idOf(w.store) };
      expect(await w.store.sessions.compact(MAIN, place, NOW)).toMatchObject({
        contextFresh: false,
      });
      expect(await w.store.sessions.reset(MAIN, NOW)).toMatchObject({
        contextTokens: 0,
        contextFresh: false,
        costUsd: undefined,
      });
    });

    test("the end of an item and what its turn used are one: neither twice, nor without the other", async () => {
      await using w = await world(make);
      await w.store.keep([item("a")]);
      await takeIds(w.store);
      await w.store.finish("a", [], turn([call()]));
      await expect(w.store.finish("a", [], turn([call()]))).rejects.toThrow(RangeError);
      expect(await sums(w.store)).toMatchObject([{ calls: 1 }]);
      expect((await w.store.sessions.find(MAIN))?.inputTokens).toBe(10);
    });

    test("a span has what ended in it, of whom it is asked for", async () => {
      await using w = await world(make);
      const other = { sessionKey: "agent:work:main" };
      await w.store.sessions.add(turn([call({ at: NOW }), call({ at: NOW + HOUR_MS })]));
      await w.store.sessions.add(turn([call({ at: NOW, model: "bare" })], other));
      await w.store.usage.add({ calls: [call()], agentId: "main", kind: "embedding" });
      expect(await sums(w.store, { until: NOW })).toEqual([]);
      expect(await sums(w.store, { from: NOW + 1 })).toMatchObject([{ calls: 1 }]);
      expect(await sums(w.store, { agentId: "work" })).toMatchObject([
        { agentId: "work", provider: "", model: "bare", calls: 1 },
      ]);
      expect(await sums(w.store, { agentId: "main" })).toMatchObject([{ calls: 3 }]);
      const ofSessions = await sums(w.store, { agentId: "main", inSessions: true });
      expect(ofSessions).toMatchObject([{ calls: 2 }]);
    });

    test("one session's use is told by the quarter of an hour, and call by call", async () => {
      await using w = await world(make);
      await w.store.sessions.add(turn([call({ at: NOW }), call({ at: NOW + HOUR_MS, ok: false })]));
      await w.store.sessions.add(turn([call()], { sessionKey: "agent:main:other" }));
      const id = await idOf(w.store);
      const { sums: slots } = await w.store.usage.sessionReport(id, EVER);
      expect(slots.map(({ slotAt, calls, answered }) => [slotAt, calls, answered])).toEqual([
        [NOW - (NOW % 900_000), 1, 1],
        [NOW + HOUR_MS - (NOW % 900_000), 1, 0],
      ]);
      const calls = await w.store.usage.calls(id, 9);
      expect(calls.map(({ at, ok }) => [at, ok])).toEqual([
        [NOW, true],
        [NOW + HOUR_MS, false],
      ]);
      expect(await w.store.usage.calls(id, 1)).toEqual(calls.slice(1));
      expect(await w.store.usage.calls("", 9)).toEqual([]);
      expect(await w.store.usage.oldestAt()).toBe(NOW);
    });

    test("what has no price is apart from what has one", async () => {
      await using w = await world(make);
      const nothing = { inputTokens: 0, outputTokens: 0 };
      const failed = call({ ok: false, cost: undefined, usage: nothing });
      await w.store.sessions.add(turn([call(), call({ cost: undefined }), failed]));
      const found = await sums(w.store);
      expect(found.map(({ cost, calls, counted }) => [cost?.input, calls, counted])).toEqual([
        [0.5, 1, 1],
        [undefined, 2, 1],
      ]);
    });

    test("what was spent in vain before a session's first turn is that session's", async () => {
      await using w = await world(make);
      const vain = { sessionKey: MAIN, agentId: "main", kind: "chat" };
      await w.store.usage.add({ ...vain, calls: [call({ ok: false })] });
      expect(await w.store.sessions.find(MAIN)).toBeUndefined();
      await w.store.sessions.add(turn([call()]));
      expect(await w.store.usage.calls(await idOf(w.store), 9)).toHaveLength(2);
      await w.store.usage.add({ ...vain, calls: [call({ ok: false })] });
      expect(await w.store.usage.calls(await idOf(w.store), 9)).toHaveLength(3);
      expect(await w.store.sessions.find(MAIN)).toMatchObject({ inputTokens: 20, messageCount: 2 });
    });

    test("a session that is begun anew takes nothing of the one before, nor is that lost", async () => {
      await using w = await world(make);
      await w.store.sessions.add(turn([call()]));
      const before = await idOf(w.store);
      await w.store.sessions.reset(MAIN, NOW);
      expect(await w.store.usage.calls(await idOf(w.store), 9)).toEqual([]);
      expect(await w.store.usage.calls(before, 9)).toHaveLength(1);
      await w.store.sessions.remove(MAIN, NOW);
      expect(await sums(w.store)).toMatchObject([{ calls: 1 }]);
    });

    test("a run that leaves nothing in its session is counted with its end", async () => {
      await using w = await world(make);
      const order = { id: "r", kind: "cron", sessionKey: MAIN, acceptedAt: NOW, payload: {} };
      await w.store.runs.begin(order);
      await takeIds(w.store);
      const end = { status: "ok", startedAt: NOW, endedAt: NOW, text: "", stop: "end" } as const;
      const spent = { calls: [call()], sessionKey: MAIN, agentId: "main", kind: "cron", run: "r" };
      const ended = { ...end, error: undefined, usage: undefined, model: undefined };
      await w.store.runs.finish("r", ended, { spent });
      expect(await w.store.sessions.find(MAIN)).toBeUndefined();
      expect(await sums(w.store)).toMatchObject([{ calls: 1, agentId: "main" }]);
    });

    test("whatever a provider counts can be kept", async () => {
      await using w = await world(make);
      const wild = [Number.NaN, -5, 1.5, 1e300, Number.POSITIVE_INFINITY];
      for (const tokens of wild) {
        const usage = { inputTokens: tokens, outputTokens: tokens, cacheReadTokens: tokens };
        await w.store.sessions.add(turn([call({ usage, cost: undefined })], { usage }));
      }
      expect(await sums(w.store)).toMatchObject([{ calls: wild.length }]);
    });

    test("models are counted since the start, those above a number together", async () => {
      await using w = await world(make);
      const usage = { inputTokens: 10, outputTokens: 4, cacheReadTokens: 3, reasoningTokens: 1 };
      await w.store.sessions.add(turn([call({ usage }), call({ usage, ok: false })]));
      expect(w.store.usage.counts()).toEqual([
        {
          provider: "acme",
          model: "x",
          answered: 1,
          failed: 1,
          costUsd: 1.75,
          input: 14,
          output: 8,
          cacheRead: 6,
          cacheWrite: 0,
          reasoning: 2,
        },
      ]);
      const many = Array.from({ length: 300 }, (_, index) => call({ model: `acme/m${index}` }));
      await w.store.usage.add({ calls: many, agentId: "main", kind: "chat" });
      const counts = w.store.usage.counts();
      expect(counts.length).toBeLessThanOrEqual(201);
      expect(counts.reduce((sum, one) => sum + one.answered + one.failed, 0)).toBe(302);
      await w.reopen();
      expect(w.store.usage.counts()).toEqual([]);
    });
  });
}
