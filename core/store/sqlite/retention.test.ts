import { expect, test } from "vitest";
import { watchedDb } from "../../../test/support/watched-db.ts";
import { EPHEMERAL_SESSION_MS, LOG_LIMITS, REMEMBER_MS, SHOW_LOST_MS } from "../limits.ts";
import { requestSessionKey } from "../session-key.ts";
import { Committer } from "./committer.ts";
import { SqliteStore } from "./store.ts";
import type { NewOutboxItem, NewInboxItem } from "../entry.ts";

const NOW = 1_790_000_000_000;
const USAGE = { inputTokens: 1, outputTokens: 1 };
const HELLO = { role: "user", text: "hello" } as const;
const MAIN = "agent:main:main";

/** A store in memory, with a clock to be moved and its tables to be looked into. */
function world() {
  const { db, database } = watchedDb();
  const clock = { now: NOW };
  const store = new SqliteStore(new Committer(db, (error) => error), {
    now: () => clock.now,
    lease: { store: "s", epoch: 1 },
    backlogs: { inbox: 0, outbox: 0 },
    nextBody: 1,
    logLimits: () => LOG_LIMITS,
    close: () => database.close(),
  });
  return {
    store,
    clock,
    count: (table: string) =>
      Number(database.prepare(`select count(*) as n from ${table}`).get()?.["n"]),
    keys: () =>
      database
        .prepare("select key from session order by id")
        .all()
        .map(({ key }) => String(key)),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

type World = ReturnType<typeof world>;

/** Writes `rows` in one session, which is used for it. */
function append({ store, clock }: World, key: string, rows = 2): Promise<void> {
  return store.append(
    key,
    Array.from({ length: rows }, () => HELLO),
    USAGE,
    clock.now,
  );
}

/** Enough of it for what is old to be looked at. */
async function muchHappens(w: World): Promise<void> {
  await append(w, MAIN, 250);
}

function item(id: string): NewInboxItem {
  return { id, source: "hook", lane: id, payload: {}, receivedAt: NOW };
}

function piece(id: string): NewOutboxItem {
  return { id, channel: "telegram", conversation: id, text: "hello" };
}

test("a session made for one request goes when it was not used for its time, and not before", async () => {
  await using w = world();
  const key = requestSessionKey("main", crypto.randomUUID());
  await append(w, key);
  w.clock.now = NOW + EPHEMERAL_SESSION_MS;
  await muchHappens(w);
  expect(await w.store.history(key, 9)).toHaveLength(2);
  w.clock.now += 1;
  await muchHappens(w);
  expect(await w.store.history(key, 9)).toEqual([]);
  expect(w.keys()).toEqual([MAIN]);
});

test("a session made for one request stays as long as it is used", async () => {
  await using w = world();
  const key = requestSessionKey("main", crypto.randomUUID());
  await append(w, key);
  w.clock.now = NOW + EPHEMERAL_SESSION_MS;
  await append(w, key);
  w.clock.now += EPHEMERAL_SESSION_MS;
  await muchHappens(w);
  expect(await w.store.history(key, 9)).toHaveLength(4);
});

test("a conversation that somebody can go on with is never forgotten", async () => {
  await using w = world();
  const keys = [MAIN, "agent:main:telegram:direct:42", "agent:main:openai-user:ada"];
  for (const key of keys) await append(w, key);
  w.clock.now += 100 * EPHEMERAL_SESSION_MS;
  await muchHappens(w);
  expect(w.keys()).toEqual(keys);
});

test("a long session goes in parts, the oldest first, and nothing of it remains", async () => {
  await using w = world();
  const [older, newer] = [crypto.randomUUID(), crypto.randomUUID()].map((id) =>
    requestSessionKey("main", id),
  );
  await append(w, older ?? "", 1_200);
  w.clock.now += 1;
  await append(w, newer ?? "", 3);
  w.clock.now += 2 * EPHEMERAL_SESSION_MS;
  const left: [number, number][] = [];
  for (let round = 0; round < 4; round += 1) {
    await muchHappens(w);
    const history = (key = ""): Promise<unknown[]> => w.store.history(key, 9_999);
    left.push([(await history(older)).length, (await history(newer)).length]);
  }
  expect(left).toEqual([
    [700, 3],
    [200, 3],
    [0, 0],
    [0, 0],
  ]);
  expect(w.keys()).toEqual([MAIN]);
});

test("what one-request clients leave does not grow without end", async () => {
  await using w = world();
  const DAYS = 120;
  for (let day = 0; day < DAYS; day += 1) {
    w.clock.now += 24 * 3_600_000;
    const keys = Array.from({ length: 50 }, () => requestSessionKey("main", crypto.randomUUID()));
    await Promise.all(keys.map((key) => append(w, key)));
  }
  // A month's worth, and what comes in between two looks.
  expect(w.count("session")).toBeLessThan(33 * 50);
  expect(w.count("message")).toBe(2 * w.count("session"));
});

test("the traces of ended work and sent replies do not grow without end", async () => {
  await using w = world();
  for (let day = 0; day < 60; day += 1) {
    w.clock.now += 24 * 3_600_000;
    const ids = Array.from({ length: 50 }, (_, index) => `${day}-${index}`);
    await w.store.keep(ids.map(item));
    await w.store.take(100, w.clock.now);
    await Promise.all(ids.map((id) => w.store.finish(id, [piece(id)])));
    await Promise.all(ids.map((id) => w.store.markSending(id)));
    await Promise.all(ids.map((id) => w.store.markSent(id, "1")));
  }
  expect(w.count("inbox")).toBeLessThan(15 * 50);
  expect(w.count("outbox")).toBeLessThan(15 * 50);
});

test("a lost reply stays for people to look at longer than one that was sent", async () => {
  await using w = world();
  await w.store.keep([item("a")]);
  await w.store.take(1, NOW);
  await w.store.finish("a", [piece("sent"), piece("lost")]);
  await w.store.markSending("sent");
  await w.store.markSent("sent", "1");
  await w.store.markLost("lost", "the chat is gone");
  const left: number[] = [];
  for (const age of [REMEMBER_MS, REMEMBER_MS + 1, SHOW_LOST_MS, SHOW_LOST_MS + 1]) {
    w.clock.now = NOW + age;
    await muchHappens(w);
    left.push(w.count("outbox"));
  }
  expect(left).toEqual([2, 1, 1, 0]);
});
