import { expect, test } from "vitest";
import { type WatchedDb, watchedDb } from "../../../test/support/watched-db.ts";
import { Committer } from "./committer.ts";
import type { Db } from "./db.ts";
import { explain } from "./sqlite-error.ts";

interface Bench extends WatchedDb {
  readonly committer: Committer;
}

function bench(): Bench {
  const watched = watchedDb();
  return { ...watched, committer: new Committer(watched.db, (error) => explain(error, "state")) };
}

function set(key: string, value = "x"): (db: Db) => string {
  return (db) => {
    db.run("insert into fact (key, value) values (:key, :value)", { key, value });
    return key;
  };
}

function keys({ database }: Bench): unknown[] {
  return database
    .prepare("select key from fact order by key")
    .all()
    .map(({ key }) => key);
}

test("calls of one turn of the event loop share a commit", async () => {
  const b = bench();
  const names = Array.from({ length: 100 }, (_, index) => `k${index}`);
  expect(await Promise.all(names.map((name) => b.committer.run(set(name))))).toEqual(names);
  expect(b.statements.filter((text) => text === "commit")).toHaveLength(1);
  await b.committer.run(set("later"));
  expect(b.statements.filter((text) => text === "commit")).toHaveLength(2);
});

test("a job that fails undoes itself and spares the others", async () => {
  const b = bench();
  const failing = b.committer.run((db) => {
    set("half")(db);
    throw new RangeError("no");
  });
  const results = await Promise.allSettled([
    b.committer.run(set("before")),
    failing,
    b.committer.run(set("after")),
    b.committer.run(set("before")),
  ]);
  expect(results.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "rejected",
  ]);
  expect(keys(b)).toEqual(["after", "before"]);
});

test("on a full disk every job of the commit fails, says so, and later ones work", async () => {
  const b = bench();
  b.database.exec("pragma max_page_count = 30");
  const results = await Promise.allSettled([
    b.committer.run(set("small")),
    b.committer.run(set("large", "x".repeat(1_000_000))),
  ]);
  for (const result of results) {
    expect(result).toMatchObject({
      status: "rejected",
      reason: { code: "overloaded", message: expect.stringContaining("no room left") },
    });
  }
  expect(keys(b)).toEqual([]);
  b.database.exec("pragma max_page_count = 10000");
  await b.committer.run(set("large", "x".repeat(1_000_000)));
  expect(keys(b)).toEqual(["large"]);
});

test("a job that never began because too many wait is refused", async () => {
  const b = bench();
  const jobs = Array.from({ length: 10_001 }, () => b.committer.run(() => 1));
  await expect(jobs.at(-1)).rejects.toMatchObject({ code: "overloaded" });
  expect(await jobs[0]).toBe(1);
  await Promise.allSettled(jobs);
});

test("what a job reads includes what jobs before it wrote", async () => {
  const b = bench();
  const [, count] = await Promise.all([
    b.committer.run(set("a")),
    b.committer.run((db) => db.first("select count(*) as n from fact")?.["n"]),
  ]);
  expect(count).toBe(1);
});
