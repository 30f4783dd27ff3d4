import { describe, expect, test } from "vitest";
import { utf8 } from "../../../shared/bytes.ts";
import type { NewWebhook, NewWebhookWork, WebhookState } from "../../../core/store/webhook.ts";
import { NOW, piece, type StoreMaker, takeIds, unsentIds, world, type World } from "./world.ts";

function aWebhook(id: string, change: Partial<NewWebhook> = {}): NewWebhook {
  return {
    id,
    route: "github",
    scheme: "github",
    verifiedBy: "edge",
    secret: 0,
    requestId: `request of ${id}`,
    method: "POST",
    query: "?a=1",
    ip: "203.0.113.9",
    receivedAt: NOW - 5,
    lanes: ["github"],
    headers: [["x-github-event", "push"]],
    body: utf8(`body of ${id}`),
    attempts: 2,
    sync: false,
    ignored: [],
    ...change,
  };
}

function work(id: string, change: Partial<NewWebhookWork> = {}): NewWebhookWork {
  return { id, source: "hook", lane: id, payload: { id }, receivedAt: NOW, trace: "t", ...change };
}

async function keep(w: World, id: string, change: Partial<NewWebhook> = {}): Promise<string[]> {
  return (await w.store.keepWebhook(aWebhook(id, change), [work(id)])).fresh;
}

async function stateOf(w: World, id: string): Promise<WebhookState | undefined> {
  return (await w.store.webhook(id))?.state;
}

export function describeWebhooks(make: StoreMaker): void {
  describe("webhooks", () => {
    test("a webhook is kept with its work, and comes back as it was", async () => {
      await using w = await world(make);
      expect(await keep(w, "a")).toEqual(["a"]);
      const found = await w.store.webhook("a");
      const { body: _body, ignored: _ignored, ...kept } = aWebhook("a");
      expect(found).toMatchObject({
        ...kept,
        state: "waiting",
        size: 9,
        items: 1,
        duplicates: 0,
        endedAt: undefined,
        replays: [],
        replies: [],
        answer: undefined,
        work: [{ id: "a", source: "hook", lane: "a", state: "waiting", attempt: 0 }],
      });
      expect(await w.store.webhook(String(found?.seq))).toEqual(found);
      expect(await w.store.take(9, NOW)).toMatchObject([{ id: "a", trace: "t" }]);
      expect(await w.store.webhook("b")).toBeUndefined();
      expect(await w.store.webhookBody("b", 0, 9)).toBeUndefined();
    });

    test("one that is known is only counted, also after its work has ended", async () => {
      await using w = await world(make);
      await keep(w, "a");
      expect(await keep(w, "a")).toEqual([]);
      await w.store.take(9, NOW);
      await w.store.finish("a", []);
      expect(await keep(w, "a")).toEqual([]);
      expect(await w.store.webhook("a")).toMatchObject({ duplicates: 2, state: "done" });
      expect(await w.store.webhooks({ limit: 9 })).toHaveLength(1);
      expect(await w.store.webhookStats()).toMatchObject([
        { route: "github", accepted: 1, duplicates: 2 },
      ]);
      expect(await takeIds(w.store)).toEqual([]);
    });

    test("of a webhook with events known and new, the new ones are work", async () => {
      await using w = await world(make);
      await keep(w, "a");
      const both = aWebhook("a+b");
      const { fresh } = await w.store.keepWebhook(both, [work("a"), work("b")]);
      expect(fresh).toEqual(["b"]);
      expect(await w.store.webhook("a+b")).toMatchObject({ items: 1, work: [{ id: "b" }] });
    });

    test("an event that is ignored is known from then on", async () => {
      await using w = await world(make);
      const ignored = aWebhook("a", { ignored: ["a"] });
      expect(await w.store.keepWebhook(ignored, [])).toEqual({ fresh: ["a"] });
      expect(await stateOf(w, "a")).toBe("filtered");
      expect(await w.store.keepWebhook(ignored, [])).toEqual({ fresh: [] });
      expect(await keep(w, "a")).toEqual([]);
      expect(await w.store.webhook("a")).toMatchObject({ duplicates: 2, state: "filtered" });
    });

    test("work about several events is done when any of them is new", async () => {
      await using w = await world(make);
      const about = (id: string, ...events: string[]) =>
        w.store.keepWebhook(aWebhook(id), [work(id, { events })]);
      expect((await about("x", "a", "b")).fresh).toEqual(["x"]);
      expect((await about("y", "a", "b")).fresh).toEqual([]);
      expect((await about("z", "b", "c")).fresh).toEqual(["z"]);
      expect(await takeIds(w.store)).toEqual(["x", "z"]);
    });

    test("its state follows that of its work", async () => {
      await using w = await world(make);
      await w.store.keepWebhook(aWebhook("a"), [work("a1"), work("a2")]);
      expect(await stateOf(w, "a")).toBe("waiting");
      await w.store.take(1, NOW);
      expect(await stateOf(w, "a")).toBe("running");
      await w.store.retry("a1", NOW + 5, "the model was busy");
      expect(await w.store.webhook("a")).toMatchObject({
        state: "waiting",
        reason: "the model was busy",
      });
      await w.store.take(9, NOW + 5);
      await w.store.finish("a1", []);
      expect(await w.store.webhook("a")).toMatchObject({ state: "running", reason: undefined });
      await w.store.finish("a2", []);
      expect(await stateOf(w, "a")).toBe("done");
      expect((await w.store.webhook("a"))?.endedAt).toBeTypeOf("number");
    });

    test("one of whose work some was given up is dead, and says why, until it is dismissed", async () => {
      await using w = await world(make);
      await w.store.keepWebhook(aWebhook("a"), [work("a1"), work("a2")]);
      await w.store.take(9, NOW);
      await w.store.bury("a1", "no such channel");
      expect(await stateOf(w, "a")).toBe("running");
      expect(await w.store.dismissWebhook("a")).toBe(false);
      await w.store.finish("a2", []);
      expect(await w.store.webhook("a")).toMatchObject({
        state: "dead",
        reason: "no such channel",
        work: [{ state: "dead", reason: "no such channel" }, { state: "done" }],
      });
      expect(await w.store.dismissWebhook("a")).toBe(true);
      expect(await w.store.webhook("a")).toBeUndefined();
      expect((await w.store.keepWebhook(aWebhook("a"), [work("a1")])).fresh).toEqual([]);
      expect(await w.store.webhookStats()).toMatchObject([{ bytes: 0 }]);
    });

    test("the session and the replies of its work are found with it, and so is its answer", async () => {
      await using w = await world(make);
      await keep(w, "a");
      await w.store.take(9, NOW);
      const entry = {
        sessionKey: "agent:main:x",
        messages: [],
        usage: { inputTokens: 0, outputTokens: 0 },
        at: NOW,
      };
      const answer = { status: 201, contentType: "text/plain", body: utf8("hello") };
      await w.store.finish("a", [{ ...piece("a/0"), trace: "t" }], entry, answer);
      expect(await w.store.webhook("a")).toMatchObject({
        work: [{ state: "done", sessionKey: "agent:main:x" }],
        replies: [{ id: "a/0", state: "waiting", channel: "telegram", conversation: "chat" }],
        answer,
      });
      expect(await w.store.unsent(9, NOW)).toMatchObject([{ id: "a/0", trace: "t" }]);
      await w.store.markSending("a/0");
      await w.store.markSent("a/0", "platform-1");
      expect((await w.store.webhook("a"))?.replies).toMatchObject([
        { state: "sent", platformId: "platform-1" },
      ]);
    });

    test("what a killed process was working on waits again", async () => {
      await using w = await world(make);
      await keep(w, "a");
      await w.store.take(9, NOW);
      await w.reopen();
      expect(await stateOf(w, "a")).toBe("waiting");
    });

    test("a replay is found with what it is a replay of", async () => {
      await using w = await world(make);
      await keep(w, "a");
      await keep(w, "a#1", { replayOf: "a" });
      expect(await w.store.webhook("a")).toMatchObject({ replays: ["a#1"] });
      expect(await w.store.webhook("a#1")).toMatchObject({ replayOf: "a" });
    });

    test("one that comes again is known when only a replay of it is left, and named apart when it is new", async () => {
      await using w = await world(make);
      await keep(w, "a");
      await w.store.take(9, NOW);
      await w.store.bury("a", "no such channel");
      await keep(w, "a#1", { replayOf: "a" });
      expect(await w.store.dismissWebhook("a")).toBe(true);
      expect(await keep(w, "a")).toEqual([]);
      await w.store.keepWebhook(aWebhook("a"), [work("later")]);
      await w.store.keepWebhook(aWebhook("a", { body: utf8("another") }), [work("much later")]);
      expect(await w.store.webhook("a")).toMatchObject({ work: [{ id: "later" }] });
      const apart = await w.store.webhook("a#2");
      expect(apart).toMatchObject({ size: 7, replayOf: "a", work: [{ id: "much later" }] });
      const taken = await w.store.take(9, NOW);
      expect(taken.find(({ id }) => id === "much later")?.webhook).toBe(apart?.seq);
    });

    const LONG = 1_300_000;
    test.each([0, 1, 524_288, 524_289, LONG])(
      "a body of %i bytes is read in any parts",
      async (size) => {
        await using w = await world(make);
        const body = new Uint8Array(size).map((_, index) => (index * 7) % 251);
        await keep(w, "before");
        await keep(w, "a", { body });
        await keep(w, "after");
        await w.reopen();
        const whole = await w.store.webhookBody("a", 0, size + 9);
        expect(whole?.total).toBe(size);
        expect(Buffer.compare(whole?.bytes ?? body, body)).toBe(0);
        for (const [offset, limit] of [
          [0, 10],
          [524_280, 20],
          [size - 3, 10],
          [size, 10],
          [size + 5, 10],
          [0, 0],
        ] as const) {
          const part = await w.store.webhookBody("a", offset, limit);
          const from = Math.max(0, offset);
          expect(part?.bytes).toEqual(body.slice(from, Math.max(from, offset + limit)));
        }
        expect((await w.store.webhookBody("after", 0, 99))?.bytes).toEqual(utf8("body of after"));
      },
    );

    test("a long body that comes again is not written again", async () => {
      await using w = await world(make);
      const body = new Uint8Array(LONG);
      const all = await Promise.all([1, 2, 3].map(() => keep(w, "a", { body })));
      expect(all.flat()).toEqual(["a"]);
      expect(await w.store.webhook("a")).toMatchObject({ duplicates: 2, size: LONG });
      expect((await w.store.webhookBody("a", LONG - 1, 9))?.bytes).toHaveLength(1);
    });

    test("the list shows the newest first, page by page, and what is new since a look", async () => {
      await using w = await world(make);
      for (const id of ["a", "b", "c", "d"]) await keep(w, id);
      const ids = async (filter: Parameters<typeof w.store.webhooks>[0]): Promise<string[]> =>
        (await w.store.webhooks(filter)).map((row) => row.id);
      expect(await ids({ limit: 2 })).toEqual(["d", "c"]);
      const [, second] = await w.store.webhooks({ limit: 2 });
      expect(await ids({ limit: 9, before: second?.seq })).toEqual(["b", "a"]);
      expect(await ids({ limit: 1, after: 0 })).toEqual(["a"]);
      expect(await ids({ limit: 9, after: second?.seq })).toEqual(["d"]);
      expect(await ids({ limit: 0 })).toEqual([]);
    });

    test("the list shows those of a route, of a state and of a time", async () => {
      await using w = await world(make);
      await keep(w, "a");
      await keep(w, "b", { route: "stripe" });
      await w.store.keepWebhook(aWebhook("c", { ignored: ["c"] }), []);
      const [first] = await w.store.take(1, NOW);
      await w.store.bury(first?.id ?? "", "why");
      const ids = async (filter: object): Promise<string[]> =>
        (await w.store.webhooks({ ...filter, limit: 9 })).map((row) => row.id);
      expect(await ids({ route: "stripe" })).toEqual(["b"]);
      expect(await ids({ state: "dead" })).toEqual(["a"]);
      expect(await ids({ state: "waiting" })).toEqual(["b"]);
      expect(await ids({ state: "running" })).toEqual([]);
      expect(await ids({ state: "filtered", route: "github" })).toEqual(["c"]);
      expect(await ids({ state: "filtered", route: "stripe" })).toEqual([]);
      const at = (await w.store.webhook("a"))?.acceptedAt ?? 0;
      expect(await ids({ since: at })).toEqual(["c", "b", "a"]);
      expect(await ids({ since: at + 3_600_000 })).toEqual([]);
      expect(await ids({ until: at })).toEqual([]);
      expect(await ids({ until: at + 3_600_000 })).toEqual(["c", "b", "a"]);
    });

    test.each(["it's; drop table webhook; --", "a\u0000b", "%", "x".repeat(5_000)])(
      "an id, a route and a header may be the text %j",
      async (text) => {
        await using w = await world(make);
        expect(await keep(w, text, { route: text, headers: [[text, text]] })).toEqual([text]);
        expect(await w.store.webhooks({ route: text, limit: 9 })).toMatchObject([{ id: text }]);
        expect((await w.store.webhook(text))?.headers).toEqual([[text, text]]);
      },
    );

    test("pieces that answer nothing are queued once", async () => {
      await using w = await world(make);
      expect(await w.store.queue([piece("alert/0"), piece("alert/1")])).toBe(2);
      expect(await w.store.queue([piece("alert/0")])).toBe(0);
      expect(await unsentIds(w.store)).toEqual(["alert/0"]);
    });
  });
}
