import { expect, test } from "vitest";
import { watchedDb } from "../../../test/support/watched-db.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { LOG_LIMITS, MAX_UNSENT } from "../limits.ts";
import type { NewInboxItem } from "../entry.ts";
import { Committer } from "./committer.ts";
import { SqliteStore } from "./store.ts";

const NOW = 1_790_000_000_000;

/** A store that was opened on so many rows. The rows themselves make no difference. */
function opened(backlogs: { inbox: number; outbox: number }) {
  const { db, database } = watchedDb();
  const store = new SqliteStore(new Committer(db, (error) => error), {
    now: () => NOW,
    lease: { store: "s", epoch: 1 },
    backlogs,
    nextBody: 1,
    logLimits: () => LOG_LIMITS,
    close: () => database.close(),
  });
  return { store, database, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

function items(...ids: string[]): NewInboxItem[] {
  return ids.map((id) => ({ id, source: "hook", lane: id, payload: 1, receivedAt: NOW }));
}

const FULL = { code: "overloaded", message: "The inbox is full", retryAfterMs: 10_000 };

test("a full inbox takes nothing, and something again once an item has ended", async () => {
  await using w = opened({ inbox: LIMITS.maxSpoolItems - 2, outbox: 0 });
  await expect(w.store.keep(items("a", "b", "c"))).rejects.toMatchObject(FULL);
  expect(await w.store.keep(items("a", "b"))).toEqual(["a", "b"]);
  await expect(w.store.keep(items("c"))).rejects.toMatchObject(FULL);
  await w.store.take(2, NOW);
  await w.store.finish("a", []);
  expect(await w.store.keep(items("c"))).toEqual(["c"]);
  await w.store.bury("b", "no handler");
  expect(await w.store.keep(items("d"))).toEqual(["d"]);
  await expect(w.store.keep(items("e"))).rejects.toMatchObject(FULL);
});

test("callers at once do not overfill the inbox", async () => {
  await using w = opened({ inbox: LIMITS.maxSpoolItems - 3, outbox: 0 });
  const kept = await Promise.allSettled(
    ["a", "b", "c", "d", "e"].map((id) => w.store.keep(items(id))),
  );
  expect(kept.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "rejected",
    "rejected",
  ]);
});

test("what was known already, or could not be kept, takes no room in the inbox", async () => {
  await using w = opened({ inbox: LIMITS.maxSpoolItems - 2, outbox: 0 });
  await w.store.keep(items("a"));
  expect(await w.store.keep(items("a"))).toEqual([]);
  w.database.exec("alter table inbox rename to elsewhere");
  await expect(w.store.keep(items("b"))).rejects.toThrow(/inbox/);
  w.database.exec("alter table elsewhere rename to inbox");
  expect(await w.store.keep(items("c"))).toEqual(["c"]);
  await expect(w.store.keep(items("d"))).rejects.toMatchObject(FULL);
});

test("while too many replies wait, work is due later and not at once, again and again", async () => {
  await using w = opened({ inbox: 0, outbox: MAX_UNSENT });
  expect(await w.store.nextDue()).toBeUndefined();
  await w.store.keep(items("a"));
  expect(await w.store.take(9, NOW)).toEqual([]);
  expect(await w.store.nextDue()).toBe(NOW + 10_000);
});
