import { describe, expect, test } from "vitest";
import { MAX_UNSENT } from "../../../core/store/limits.ts";
import { item, NOW, piece, reply, type StoreMaker, takeIds, unsentIds, world } from "./world.ts";

const USAGE = { inputTokens: 3, outputTokens: 4 };

export function describeOutbox(make: StoreMaker): void {
  describe("outbox", () => {
    test("a reply is sent in order, piece by piece, and conversations do not wait", async () => {
      await using w = await world(make);
      await reply(w.store, piece("x/0", "x"), piece("x/1", "x"), piece("x/2", "x"));
      await reply(w.store, piece("y/0", "y"));
      expect(await w.store.unsent(9, NOW)).toEqual([
        { ...piece("x/0", "x"), attempts: 0 },
        { ...piece("y/0", "y"), attempts: 0 },
      ]);
      await w.store.markSending("x/0");
      expect(await unsentIds(w.store)).toEqual(["y/0"]);
      await w.store.markSent("x/0", "platform-1");
      expect(await unsentIds(w.store)).toEqual(["x/1", "y/0"]);
      expect(await unsentIds(w.store, 1)).toEqual(["x/1"]);
    });

    test("one conversation id on two channels is two conversations", async () => {
      await using w = await world(make);
      await reply(w.store, piece("t", "1"), { ...piece("s", "1"), channel: "slack" });
      expect(await unsentIds(w.store)).toEqual(["t", "s"]);
    });

    test("a piece known not to have arrived holds its conversation until it is due", async () => {
      await using w = await world(make);
      await reply(w.store, piece("x/0"), piece("x/1"));
      await w.store.markSending("x/0");
      expect(await w.store.nextUnsent()).toBeUndefined();
      await w.store.markUnsent("x/0", NOW + 500, "rate limited");
      expect(await w.store.nextUnsent()).toBe(NOW + 500);
      expect(await unsentIds(w.store, 9, NOW + 499)).toEqual([]);
      expect(await unsentIds(w.store, 9, NOW + 500)).toEqual(["x/0"]);
    });

    test("a piece counts how often it was begun, also over a restart", async () => {
      await using w = await world(make);
      await reply(w.store, piece("x/0"));
      for (const attempts of [0, 1, 2]) {
        expect(await w.store.unsent(9, NOW)).toMatchObject([{ id: "x/0", attempts }]);
        await w.store.markSending("x/0");
        await w.store.markUnsent("x/0", NOW, "out of reach");
        await w.reopen();
      }
    });

    test("while too many pieces wait to be sent no work is begun, and none is lost", async () => {
      await using w = await world(make);
      const pieces = Array.from({ length: MAX_UNSENT }, (_, index) => piece(`x/${index}`));
      await reply(w.store, ...pieces);
      await w.store.keep([item("later")]);
      expect(await takeIds(w.store)).toEqual([]);
      await w.reopen();
      expect(await takeIds(w.store)).toEqual([]);
      await w.store.markSending("x/0");
      await w.store.markSent("x/0", "1");
      expect(await takeIds(w.store)).toEqual(["later"]);
      await w.store.finish("later", [piece("x/last"), piece("x/1")]);
      await w.store.keep([item("last")]);
      expect(await takeIds(w.store)).toEqual([]);
      await w.store.markLost("x/1", "the chat is gone");
      expect(await takeIds(w.store)).toEqual(["last"]);
    });

    test.each([true, false])("a lost piece lets the next one go, begun: %s", async (begun) => {
      await using w = await world(make);
      await reply(w.store, piece("x/0"), piece("x/1"));
      if (begun) await w.store.markSending("x/0");
      await w.store.markLost("x/0", "the chat is gone");
      expect(await unsentIds(w.store)).toEqual(["x/1"]);
    });

    test("a piece with a known id is not queued again", async () => {
      await using w = await world(make);
      await reply(w.store, piece("x/0"));
      await w.store.markSending("x/0");
      await w.store.markSent("x/0", "1");
      await w.store.keep([item("again")]);
      await w.store.take(1, NOW);
      await w.store.finish("again", [piece("x/0"), piece("x/1")]);
      expect(await unsentIds(w.store)).toEqual(["x/1"]);
    });

    test("a piece that was being sent when the store was left is never sent again", async () => {
      await using w = await world(make);
      await reply(w.store, piece("x/0"), piece("x/1"), piece("y/0", "y"));
      await w.store.markSending("x/0");
      await w.reopen();
      expect(await unsentIds(w.store)).toEqual(["x/1", "y/0"]);
      await expect(w.store.markSending("x/0")).rejects.toThrow(RangeError);
    });

    test("a piece is begun once, and only the first of its conversation", async () => {
      await using w = await world(make);
      await reply(w.store, piece("x/0"), piece("x/1"));
      await expect(w.store.markSending("x/1")).rejects.toThrow(RangeError);
      await w.store.markSending("x/0");
      await expect(w.store.markSending("x/0")).rejects.toThrow(RangeError);
      await expect(w.store.markSent("x/1", "1")).rejects.toThrow(RangeError);
    });

    test("the end of an item, its reply and its turn happen together", async () => {
      await using w = await world(make);
      await w.store.keep([item("a")]);
      await w.store.take(1, NOW);
      await w.store.finish("a", [piece("a/0")], {
        sessionKey: "s",
        messages: [{ role: "user", text: "hello" }],
        usage: USAGE,
        at: NOW,
      });
      await w.reopen();
      expect(await takeIds(w.store)).toEqual([]);
      expect(await unsentIds(w.store)).toEqual(["a/0"]);
      expect(await w.store.history("s", 9)).toEqual([
        { seq: 1, at: NOW, message: { role: "user", text: "hello" } },
      ]);
    });

    test("an item that cannot be ended leaves no reply and no turn", async () => {
      await using w = await world(make);
      const entry = {
        sessionKey: "s",
        messages: [{ role: "user", text: "hello" } as const],
        usage: USAGE,
        at: NOW,
      };
      const [refused, kept] = await Promise.allSettled([
        w.store.finish("nothing", [piece("n/0")], entry),
        w.store.keep([item("beside it")]),
      ]);
      expect(refused.status).toBe("rejected");
      expect(kept).toMatchObject({ status: "fulfilled", value: ["beside it"] });
      expect(await unsentIds(w.store)).toEqual([]);
      expect(await w.store.history("s", 9)).toEqual([]);
      expect(await takeIds(w.store)).toEqual(["beside it"]);
    });
  });
}
