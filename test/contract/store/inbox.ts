import { describe, expect, test } from "vitest";
import type { NewInboxItem } from "../../../core/store/entry.ts";
import { item, NOW, type StoreMaker, takeIds, world } from "./world.ts";

/** Texts that break what is glued together instead of bound. */
const HOSTILE = [
  "it's; drop table inbox; --",
  'quote " and ` and \\',
  "line\nbreak\r\n and tab\t",
  "null \u0000 inside",
  "emoji 🏰, combining é, right-to-left \u202e",
  "x".repeat(10_000),
  "",
];

function post(id: string, lane: string): NewInboxItem {
  return { ...item(id, lane), source: "forward" };
}

export function describeInbox(make: StoreMaker): void {
  describe("inbox", () => {
    test("an id is new once, also within one call and after it has ended", async () => {
      await using w = await world(make);
      expect(await w.store.keep([item("a"), item("b"), item("a", "other")])).toEqual(["a", "b"]);
      expect(await w.store.keep([item("b"), item("c")])).toEqual(["c"]);
      expect(await takeIds(w.store)).toEqual(["a"]);
      await w.store.finish("a", []);
      expect(await w.store.keep([item("a")])).toEqual([]);
      expect(await takeIds(w.store)).toEqual(["b"]);
    });

    test("an id is new to one of many callers at once", async () => {
      await using w = await world(make);
      const ids = Array.from({ length: 300 }, (_, index) => `id-${index % 50}`);
      const kept = await Promise.all(ids.map((id) => w.store.keep([item(id, id)])));
      expect(kept.flat().toSorted()).toEqual([...new Set(ids)].toSorted());
    });

    test("an item comes back as it was kept", async () => {
      await using w = await world(make);
      const payload = { text: HOSTILE, nested: [{ deep: [null, true, 1.5, -0.25e-7] }] };
      await w.store.keep([{ ...item("a", "l", payload), source: "telegram", receivedAt: NOW - 5 }]);
      expect(await w.store.take(1, NOW)).toEqual([
        { id: "a", source: "telegram", lane: "l", payload, attempt: 1, receivedAt: NOW - 5 },
      ]);
    });

    test.each(HOSTILE.map((text) => [JSON.stringify(text).slice(0, 40), text]))(
      "a lane and an id may be the text %s",
      async (_name, text) => {
        await using w = await world(make);
        await w.store.keep([item(text, text), item(`${text}2`, text)]);
        expect(await takeIds(w.store)).toEqual([text]);
        await w.store.finish(text, []);
        expect(await w.store.keep([item(text, text)])).toEqual([]);
        expect(await takeIds(w.store)).toEqual([`${text}2`]);
      },
    );

    test("a lane has one item running, the oldest, and lanes do not wait for each other", async () => {
      await using w = await world(make);
      await w.store.keep([item("a1", "a"), item("a2", "a"), item("b1", "b"), item("c1", "c")]);
      expect(await takeIds(w.store, 2)).toEqual(["a1", "b1"]);
      expect(await takeIds(w.store)).toEqual(["c1"]);
      expect(await takeIds(w.store)).toEqual([]);
      await w.store.finish("a1", []);
      await w.store.keep([item("b2", "b"), item("a3", "a")]);
      expect(await takeIds(w.store)).toEqual(["a2"]);
      await w.store.finish("b1", []);
      expect(await takeIds(w.store)).toEqual(["b2"]);
    });

    test("what is posted on is taken apart from turns, and shares its lane with them", async () => {
      await using w = await world(make);
      await w.store.keep([post("p1", "a"), item("t1", "a"), item("t2", "b"), post("p2", "b")]);
      const taken = async (kind?: "turn" | "forward"): Promise<string[]> =>
        (await w.store.take(9, NOW, kind)).map(({ id }) => id);
      expect(await w.store.nextDue("forward")).toBeLessThanOrEqual(NOW);
      expect(await taken("turn")).toEqual(["t2"]);
      expect(await taken("forward")).toEqual(["p1"]);
      expect(await w.store.nextDue("forward")).toBeUndefined();
      await w.store.retry("p1", NOW + 7, "the server is away");
      expect(await w.store.nextDue("forward")).toBe(NOW + 7);
      expect(await w.store.nextDue()).toBeUndefined();
      await w.store.finish("t2", []);
      expect(await taken("forward")).toEqual(["p2"]);
      expect(await taken()).toEqual([]);
    });

    test("nothing is taken with a limit of 0", async () => {
      await using w = await world(make);
      await w.store.keep([item("a")]);
      expect(await takeIds(w.store, 0)).toEqual([]);
      expect(await takeIds(w.store)).toEqual(["a"]);
    });

    test("an item put back holds its lane until it is due, and counts its attempts", async () => {
      await using w = await world(make);
      await w.store.keep([item("a1", "a"), item("a2", "a")]);
      await w.store.take(1, NOW);
      await w.store.retry("a1", NOW + 1_000, "the model was busy");
      expect(await w.store.nextDue()).toBe(NOW + 1_000);
      expect(await takeIds(w.store, 9, NOW + 999)).toEqual([]);
      expect(await w.store.take(9, NOW + 1_000)).toMatchObject([{ id: "a1", attempt: 2 }]);
      await w.store.finish("a1", []);
      expect(await takeIds(w.store, 9, NOW + 1_000)).toEqual(["a2"]);
    });

    test("an item that is due again goes before those that have not been tried", async () => {
      await using w = await world(make);
      await w.store.keep([item("a", "a"), item("b", "b"), item("c", "c")]);
      await w.store.take(1, NOW);
      await w.store.retry("a", NOW + 1, "later");
      expect(await takeIds(w.store, 1, NOW)).toEqual(["b"]);
      expect(await takeIds(w.store, 1, NOW + 1)).toEqual(["a"]);
      expect(await takeIds(w.store, 9, NOW + 1)).toEqual(["c"]);
    });

    test("an item given up frees its lane and stays known", async () => {
      await using w = await world(make);
      await w.store.keep([item("a1", "a"), item("a2", "a")]);
      await w.store.take(1, NOW);
      await w.store.bury("a1", "no such handler");
      expect(await takeIds(w.store)).toEqual(["a2"]);
      expect(await w.store.keep([item("a1", "a")])).toEqual([]);
    });

    test("nothing is due when nothing waits", async () => {
      await using w = await world(make);
      expect(await w.store.nextDue()).toBeUndefined();
      await w.store.keep([item("a1", "a"), item("a2", "a")]);
      expect(await w.store.nextDue()).toBeLessThanOrEqual(NOW);
      await w.store.take(1, NOW);
      expect(await w.store.nextDue()).toBeUndefined();
      await w.store.finish("a1", []);
      expect(await w.store.nextDue()).toBeLessThanOrEqual(NOW);
    });

    test.each(["finish", "retry", "bury"] as const)(
      "%s of an item that is not running is refused",
      async (method) => {
        await using w = await world(make);
        await w.store.keep([item("waiting")]);
        const call = (id: string): Promise<void> => {
          if (method === "finish") return w.store.finish(id, []);
          return method === "retry" ? w.store.retry(id, NOW, "why") : w.store.bury(id, "why");
        };
        await expect(call("waiting")).rejects.toThrow(RangeError);
        await expect(call("unknown")).rejects.toThrow(RangeError);
        expect(await takeIds(w.store)).toEqual(["waiting"]);
      },
    );

    test("what was running when the store was left is waiting again, in its old place", async () => {
      await using w = await world(make);
      await w.store.keep([item("a1", "a"), item("a2", "a"), item("b1", "b")]);
      await w.store.take(9, NOW);
      await w.reopen();
      expect(await w.store.take(9, NOW)).toMatchObject([
        { id: "a1", attempt: 2 },
        { id: "b1", attempt: 2 },
      ]);
      await w.store.finish("a1", []);
      expect(await takeIds(w.store)).toEqual(["a2"]);
    });

    test("a delay outlives a restart", async () => {
      await using w = await world(make);
      await w.store.keep([item("a")]);
      await w.store.take(1, NOW);
      await w.store.retry("a", NOW + 60_000, "later");
      await w.reopen();
      expect(await takeIds(w.store, 9, NOW + 59_999)).toEqual([]);
      expect(await w.store.nextDue()).toBe(NOW + 60_000);
    });
  });
}
