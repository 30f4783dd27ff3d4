import { describe, expect, test } from "vitest";
import type { NewRun } from "../../../core/store/run.ts";
import { RUN_SOURCE } from "../../../core/store/run.ts";
import type { SessionEntry, RunEnd } from "../../../core/store/entry.ts";
import { NOW, piece, type StoreMaker, takeIds, unsentIds, world } from "./world.ts";

function order(id: string, sessionKey = "agent:main:main"): NewRun {
  return { id, kind: "chat", sessionKey, acceptedAt: NOW, payload: { message: `ask ${id}` } };
}

const END: RunEnd = {
  status: "ok",
  startedAt: NOW + 1,
  endedAt: NOW + 2,
  text: "answer",
  stop: "end",
  error: undefined,
  usage: { inputTokens: 3, outputTokens: 2 },
  model: "test/model",
};
const ABORTED: RunEnd = {
  status: "aborted",
  startedAt: undefined,
  endedAt: NOW + 9,
  text: "",
  stop: undefined,
  error: undefined,
  usage: undefined,
  model: undefined,
};

function entry(id: string, sessionKey = "agent:main:main"): SessionEntry {
  return {
    sessionKey,
    messages: [
      { role: "user", text: "question" },
      { role: "assistant", text: "answer", toolCalls: [] },
    ],
    usage: { inputTokens: 3, outputTokens: 2 },
    at: NOW + 2,
    run: {
      id,
      kind: "chat",
      status: "ok",
      startedAt: NOW + 1,
      endedAt: NOW + 2,
      model: "test/model",
      stop: "end",
      error: undefined,
      origin: { channel: "telegram", conversation: "7" },
    },
  };
}

export function describeRuns(make: StoreMaker): void {
  describe("runs", () => {
    test("a run is queued once, whoever asks how often", async () => {
      await using w = await world(make);
      const all = await Promise.all([1, 2, 3].map(() => w.store.runs.begin(order("r"))));
      expect(all.map(({ fresh }) => fresh)).toEqual([true, false, false]);
      const items = await w.store.take(9, NOW);
      expect(items).toMatchObject([{ source: RUN_SOURCE, payload: { message: "ask r" } }]);
      expect(items[0]?.id).toBe(all[2]?.run.item);
      await w.reopen();
      expect((await w.store.runs.begin(order("r"))).fresh).toBe(false);
      expect(await takeIds(w.store)).toHaveLength(1);
    });

    test("its end is the end of its item, with what it leaves, in one go", async () => {
      await using w = await world(make);
      await w.store.runs.begin(order("r"));
      await takeIds(w.store);
      await w.store.runs.finish("r", END, { entry: entry("r"), reply: [piece("p")] });
      await w.reopen();
      expect((await w.store.runs.find("r"))?.end).toEqual(END);
      expect(await takeIds(w.store)).toEqual([]);
      expect(await unsentIds(w.store)).toEqual(["p"]);
      expect(await w.store.sessions.find("agent:main:main")).toMatchObject({
        messageCount: 2,
        contextTokens: 3,
        createdBy: "chat",
        origin: { channel: "telegram", conversation: "7" },
        lastRun: { id: "r", status: "ok", model: "test/model" },
      });
      expect(await w.store.runs.open(9)).toEqual([]);
    });

    test("one that has ended is not begun again, nor ended again", async () => {
      await using w = await world(make);
      await w.store.runs.begin(order("r"));
      await takeIds(w.store);
      await w.store.runs.finish("r", END);
      const again = await w.store.runs.begin(order("r"));
      expect(again).toMatchObject({ fresh: false, run: { end: { text: "answer" } } });
      await expect(w.store.runs.finish("r", END)).rejects.toThrow(RangeError);
      expect(await w.store.runs.cancel("r", ABORTED)).toBe(false);
    });

    test("one that nobody works on is canceled, and the next of its session is next", async () => {
      await using w = await world(make);
      await w.store.runs.begin(order("a"));
      await w.store.runs.begin(order("b"));
      await w.store.runs.begin(order("other", "agent:main:x"));
      expect((await w.store.runs.open(9, "agent:main:main")).map(({ id }) => id)).toEqual([
        "a",
        "b",
      ]);
      expect(await w.store.runs.cancel("a", ABORTED)).toBe(true);
      expect((await w.store.runs.find("a"))?.end).toEqual(ABORTED);
      const payloads = (await w.store.take(9, NOW)).map(({ payload }) => payload);
      expect(payloads).toEqual([{ message: "ask b" }, { message: "ask other" }]);
      expect(await w.store.runs.cancel("b", ABORTED)).toBe(false);
    });

    test("what a killed process worked on is worked on again, under the same id", async () => {
      await using w = await world(make);
      await w.store.runs.begin(order("r"));
      await takeIds(w.store);
      await w.reopen();
      expect(await w.store.take(9, NOW)).toMatchObject([{ attempt: 2 }]);
      await w.store.runs.finish("r", END);
      expect((await w.store.runs.find("r"))?.end?.status).toBe("ok");
    });
  });
}
