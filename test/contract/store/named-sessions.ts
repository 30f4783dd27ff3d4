import { describe, expect, test } from "vitest";
import type { Message } from "../../../core/store/message.ts";
import type { Store } from "../../../core/store/store.ts";
import { NOW, type StoreMaker, world } from "./world.ts";

const USAGE = { inputTokens: 1, outputTokens: 2 };
const MAIN = "agent:main:main";

function user(text: string): Message {
  return { role: "user", text };
}

async function say(store: Store, key: string, ...texts: string[]): Promise<void> {
  await store.append(key, texts.map(user), USAGE, NOW);
}

async function keys(store: Store, filter: object): Promise<string[]> {
  const page = { limit: 9, offset: 0, archived: "no" } as const;
  const { sessions } = await store.sessions.list({ ...page, ...filter });
  return sessions.map(({ key }) => key);
}

export function describeNamedSessions(make: StoreMaker): void {
  describe("sessions by name", () => {
    test("a session keeps what was chosen for it, and null takes it back", async () => {
      await using w = await world(make);
      const first = await w.store.sessions.patch(
        MAIN,
        { label: "mine", settings: { model: "a/b", pinned: true } },
        NOW,
      );
      expect(first).toMatchObject({ label: "mine", settings: { model: "a/b", pinned: true } });
      await w.reopen();
      const change = { settings: { model: null } };
      const second = await w.store.sessions.patch(MAIN, change, NOW, { revision: first.revision });
      expect(second).toMatchObject({ label: "mine", settings: { pinned: true } });
      expect(second.settings).not.toHaveProperty("model");
      expect((await w.store.sessions.opening(MAIN, 9)).settings).toEqual({ pinned: true });
    });

    test("a change is refused when the session is not as expected", async () => {
      await using w = await world(make);
      const { sessionId, revision } = await w.store.sessions.patch(MAIN, { label: "x" }, NOW);
      const stale = [{ revision: revision - 1 }, { sessionId: "another" }];
      for (const expected of stale) {
        const refused = w.store.sessions.patch(MAIN, { label: "y" }, NOW, expected);
        await expect(refused).rejects.toMatchObject({ code: "conflict" });
      }
      await w.store.sessions.patch(MAIN, { label: "y" }, NOW, { revision, sessionId });
      expect((await w.store.sessions.find(MAIN))?.label).toBe("y");
    });

    test("a label names one session", async () => {
      await using w = await world(make);
      await w.store.sessions.patch("a", { label: "same" }, NOW);
      const taken = w.store.sessions.patch("b", { label: "same" }, NOW);
      await expect(taken).rejects.toMatchObject({ code: "invalid_request" });
      expect(await w.store.sessions.find("b")).toBeUndefined();
      await w.store.sessions.remove("a", NOW);
      expect((await w.store.sessions.patch("b", { label: "same" }, NOW)).label).toBe("same");
    });

    test("a reset begins anew with the same settings; what was said is not lost", async () => {
      await using w = await world(make);
      await say(w.store, MAIN, "old");
      const before = await w.store.sessions.patch(MAIN, { settings: { model: "a/b" } }, NOW);
      const after = await w.store.sessions.reset(MAIN, NOW + 1);
      expect(after).toMatchObject({ messageCount: 0, settings: { model: "a/b" } });
      expect(after).toMatchObject({ previousId: before.sessionId });
      expect(after.sessionId).not.toBe(before.sessionId);
      expect(await w.store.history(MAIN, 9)).toEqual([]);
      const old = await w.store.sessions.page(before.sessionId, { limit: 9 });
      expect(old?.messages.map(({ message }) => message.text)).toEqual(["old"]);
      expect(await keys(w.store, { archived: "all" })).toEqual([MAIN]);
      await say(w.store, MAIN, "new");
      expect((await w.store.history(MAIN, 9)).map(({ message }) => message.text)).toEqual(["new"]);
    });

    test("a removed session is gone, and its name is free", async () => {
      await using w = await world(make);
      await say(w.store, "s", "one");
      const { sessionId = "" } = (await w.store.sessions.find("s")) ?? {};
      const early = w.store.sessions.remove("s", NOW, { archivedOnly: true });
      await expect(early).rejects.toMatchObject({ code: "conflict" });
      expect(await w.store.sessions.remove("s", NOW)).toBe(sessionId);
      expect(await w.store.sessions.remove("s", NOW)).toBeUndefined();
      expect(await w.store.sessions.find("s")).toBeUndefined();
      await say(w.store, "s", "two");
      expect((await w.store.sessions.find("s"))?.messageCount).toBe(1);
    });

    test("a list is filtered, newest first", async () => {
      await using w = await world(make);
      for (const [index, key] of ["agent:a:one", "agent:a:two", "agent:b:one"].entries()) {
        await w.store.append(key, [user(key)], USAGE, NOW + index);
      }
      await w.store.sessions.patch("agent:a:two", { label: "Two", archived: true }, NOW + 9);
      expect(await keys(w.store, {})).toEqual(["agent:b:one", "agent:a:one"]);
      expect(await keys(w.store, { archived: "only" })).toEqual(["agent:a:two"]);
      expect(await keys(w.store, { archived: "all", agentId: "a" })).toEqual([
        "agent:a:two",
        "agent:a:one",
      ]);
      expect(await keys(w.store, { archived: "all", search: "two" })).toEqual(["agent:a:two"]);
      expect(await keys(w.store, { archived: "all", label: "Two" })).toEqual(["agent:a:two"]);
      expect(await keys(w.store, { updatedSince: NOW + 2 })).toEqual(["agent:b:one"]);
      expect(await keys(w.store, { limit: 1, offset: 1 })).toEqual(["agent:a:one"]);
      // An agent's name is no pattern.
      expect(await keys(w.store, { agentId: "%" })).toEqual([]);
    });

    test("a summary stands for the messages before it when a turn begins", async () => {
      await using w = await world(make);
      await say(w.store, MAIN, "1", "2", "3");
      const { sessionId = "" } = (await w.store.sessions.find(MAIN)) ?? {};
      const made = { summary: "one and two", upTo: 2, sessionId };
      expect((await w.store.sessions.compact(MAIN, made, NOW)).compactions).toBe(1);
      const opening = await w.store.sessions.opening(MAIN, 9);
      expect(opening).toMatchObject({ summary: "one and two", messages: [{ seq: 3 }] });
      expect(await w.store.history(MAIN, 9)).toHaveLength(3);
      const stale = w.store.sessions.compact(MAIN, made, NOW);
      await expect(stale).rejects.toMatchObject({ code: "conflict" });
    });

    test("pages follow each other in both directions", async () => {
      await using w = await world(make);
      await say(w.store, MAIN, "1", "2", "3", "4", "5");
      const seqs = async (range: object): Promise<number[] | undefined> => {
        const page = await w.store.sessions.page(MAIN, { limit: 2, ...range });
        return page?.messages.map(({ seq }) => seq);
      };
      expect(await seqs({})).toEqual([4, 5]);
      expect(await seqs({ before: 4 })).toEqual([2, 3]);
      expect(await seqs({ after: 0 })).toEqual([1, 2]);
      expect(await seqs({ after: 5 })).toEqual([]);
      expect(await w.store.sessions.page("nobody", { limit: 1 })).toBeUndefined();
    });

    test("a fork has what was said up to a place, and goes its own way", async () => {
      await using w = await world(make);
      await say(w.store, MAIN, "1", "2", "3");
      const to = { key: "fork", createdBy: "operator", parentKey: MAIN, at: NOW };
      expect(await w.store.sessions.fork(MAIN, 2, to)).toMatchObject({ messageCount: 2 });
      await say(w.store, "fork", "own");
      const texts = (await w.store.history("fork", 9)).map(({ message }) => message.text);
      expect(texts).toEqual(["1", "2", "own"]);
      expect(await w.store.sessions.fork("nobody", 1, { ...to, key: "x" })).toBeUndefined();
      expect(await keys(w.store, { parentKey: MAIN })).toEqual(["fork"]);
    });

    test("what was said is found, whatever stands around it", async () => {
      await using w = await world(make);
      await say(w.store, "agent:a:s", 'He said "Grüezi" there', "nothing");
      await say(w.store, "agent:b:s", "grüezi as well");
      const search = async (text: string, filter: object = {}): Promise<string[]> => {
        const { hits } = await w.store.sessions.search(text, { limit: 9, ...filter });
        return hits.map(({ key }) => key).toSorted();
      };
      expect(await search('said "grüezi"')).toEqual(["agent:a:s"]);
      expect(await search("GRüEZI")).toEqual(["agent:a:s", "agent:b:s"]);
      expect(await search("grüezi", { agentId: "b" })).toEqual(["agent:b:s"]);
      expect(await search("grüezi", { keys: ["agent:a:s", "nobody"] })).toEqual(["agent:a:s"]);
      expect(await search("%")).toEqual([]);
    });
  });
}
