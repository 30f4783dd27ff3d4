import { expect, test } from "vitest";
import { watchedDb } from "../../../test/support/watched-db.ts";
import { childWebhook, childWork } from "../../../test/contract/store/webhook-made.ts";
import { LOG_LIMITS, REMEMBER_MS } from "../limits.ts";
import { addPart, dropStaged, PART_BYTES, stageBody } from "./bodies.ts";
import { Committer } from "./committer.ts";
import { SqliteStore } from "./store.ts";

const NOW = 1_790_000_000_000;

/** A store in memory whose clock and limits can be moved. */
function world() {
  const { db, database } = watchedDb();
  const clock = { now: NOW };
  const limits = { maxAgeMs: LOG_LIMITS.maxAgeMs, maxBytes: LOG_LIMITS.maxBytes };
  const store = new SqliteStore(new Committer(db, (error) => error), {
    now: () => clock.now,
    lease: { store: "s", epoch: 1 },
    backlogs: { inbox: 0, outbox: 0 },
    nextBody: 1,
    logLimits: () => limits,
    close: () => database.close(),
  });
  return {
    store,
    db,
    clock,
    limits,
    async takeIn(id: string, bytes: number): Promise<string[]> {
      const webhook = childWebhook(id, new Uint8Array(bytes));
      return (await store.keepWebhook(webhook, childWork(id))).fresh;
    },
    async end(): Promise<void> {
      for (const { id } of await store.take(100, clock.now)) await store.finish(id, []);
    },
    ids: async () => (await store.webhooks({ limit: 1_000, after: 0 })).map(({ id }) => id),
    parts: () => Number(database.prepare("select count(*) as n from webhook_part").get()?.["n"]),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

test("a full log drops its oldest that have ended, with their bodies, and none that has not", async () => {
  await using w = world();
  w.limits.maxBytes = 250_000;
  await w.takeIn("a", 100_000);
  await w.end();
  await w.takeIn("b", 100_000);
  await w.takeIn("c", 100_000);
  expect(await w.ids()).toEqual(["b", "c"]);
  expect(w.parts()).toBe(2);
  await expect(w.takeIn("d", 100_000)).rejects.toMatchObject({ code: "overloaded" });
  expect(await w.ids()).toEqual(["b", "c"]);
  await w.end();
  expect(await w.takeIn("d", 100_000)).toEqual(["d/a", "d/b"]);
  expect(await w.ids()).toEqual(["c", "d"]);
});

test("of a long body nothing is written when the log has no room for it", async () => {
  await using w = world();
  w.limits.maxBytes = 2 * PART_BYTES;
  await w.takeIn("a", PART_BYTES);
  await expect(w.takeIn("b", 2 * PART_BYTES)).rejects.toMatchObject({ code: "overloaded" });
  expect(w.parts()).toBe(1);
  await w.end();
  await expect(w.takeIn("b", 2 * PART_BYTES)).rejects.toMatchObject({ code: "overloaded" });
});

test("a limit that was lowered is reached step by step", async () => {
  await using w = world();
  for (let index = 0; index < 60; index += 1) await w.takeIn(`a${index}`, 100_000);
  await w.end();
  w.limits.maxBytes = 300_000;
  for (const id of ["b", "c", "d", "e", "f", "g"]) {
    await w.takeIn(id, 10);
    await w.end();
  }
  const [stats] = await w.store.webhookStats();
  expect(stats?.bytes).toBeLessThanOrEqual(300_000);
  expect(await w.ids()).toContain("g");
});

test("an event is known for its time, whether its webhook is still in the log or not", async () => {
  await using w = world();
  w.limits.maxBytes = 30_000;
  await w.takeIn("a", 20_000);
  await w.end();
  await w.takeIn("b", 20_000);
  expect(await w.ids()).toEqual(["b"]);
  expect(await w.takeIn("a", 20_000)).toEqual([]);
  expect(REMEMBER_MS).toBe((8 + 3) * 86_400_000);
});

test("an id that outlived its events in the log is new work, under a name of its own", async () => {
  await using w = world();
  await w.takeIn("a", 10);
  await w.end();
  w.db.run("delete from inbox");
  expect(await w.takeIn("a", 10)).toEqual(["a/a", "a/b"]);
  expect(await w.ids()).toEqual(["a", "a#1"]);
  expect(await w.store.webhook("a")).toMatchObject({ replays: ["a#1"], state: "done" });
});

test("webhooks that ended long ago are forgotten with what is written after them", async () => {
  await using w = world();
  w.limits.maxAgeMs = 1_000;
  await w.takeIn("old", 10);
  await w.end();
  await w.takeIn("open", 10);
  w.clock.now += 1_001;
  for (let index = 0; index < 90; index += 1) await w.takeIn(`n${index}`, 10);
  const ids = await w.ids();
  expect(ids).not.toContain("old");
  expect(ids).toContain("open");
});

test("what a killed process had begun to write is dropped, and nothing beside it", async () => {
  await using w = world();
  await w.takeIn("a", 10);
  stageBody(w.db, 40);
  addPart(w.db, 40, 0, new Uint8Array(5));
  addPart(w.db, 40, 1, new Uint8Array(5));
  dropStaged(w.db);
  expect(w.parts()).toBe(1);
  expect((await w.store.webhookBody("a", 0, 99))?.bytes).toHaveLength(10);
});
