import { expect, test } from "vitest";
import { watchedDb } from "../../../test/support/watched-db.ts";
import { RESPONSE_LIMITS } from "../limits.ts";
import { Committer } from "./committer.ts";
import { pruneResponses, SqliteResponses } from "./responses.ts";

const NOW = 1_790_000_000_000;

function world() {
  const { db, database, statements } = watchedDb();
  const responses = new SqliteResponses(new Committer(db, (error) => error));
  return {
    db,
    statements,
    planOf: (statement: string) =>
      database
        .prepare(`explain query plan ${statement}`)
        .all()
        .map(({ detail }) => String(detail)),
    responses,
    ids: () =>
      database
        .prepare("select id from response order by seq")
        .all()
        .map(({ id }) => String(id)),
    total: () => ({ ...database.prepare("select count, bytes from response_total").get() }),
    counted: () => ({
      ...database
        .prepare("select count(*) as count, coalesce(sum(bytes), 0) as bytes from response")
        .get(),
    }),
    save: (id: string, text = id, createdAt = NOW) =>
      responses.save({
        id,
        owner: "ada",
        agent: "main",
        sessionKey: "s",
        previous: undefined,
        createdAt,
        messages: [{ role: "user", text }],
        continues: false,
        body: {},
      }),
  };
}

test("with more bytes than are kept, the oldest go", async () => {
  const w = world();
  for (const id of ["a", "b"]) await w.save(id, "x".repeat(1_000));
  const before = RESPONSE_LIMITS.maxBytes - 10;
  w.db.run("update response_total set bytes = :bytes", { bytes: before });
  await w.save("c");
  expect(w.ids()).toEqual(["b", "c"]);
});

test("the newest stays, whatever its size", async () => {
  const w = world();
  await w.save("a");
  w.db.run("update response_total set bytes = :bytes", { bytes: 2 * RESPONSE_LIMITS.maxBytes });
  await w.save("b");
  expect(w.ids()).toEqual(["b"]);
});

test("with more responses than are kept, the oldest go", async () => {
  const w = world();
  w.db.run("update response_total set count = :count", { count: RESPONSE_LIMITS.maxCount - 2 });
  for (const id of ["a", "b", "c"]) await w.save(id);
  expect(w.ids()).toEqual(["b", "c"]);
});

test("what is too old goes, so many at once, and the count goes with it", async () => {
  const w = world();
  for (const id of ["a", "b", "c"]) await w.save(id, id, NOW - RESPONSE_LIMITS.maxAgeMs - 1);
  await w.save("d");
  pruneResponses(w.db, NOW, 2);
  expect(w.ids()).toEqual(["c", "d"]);
  pruneResponses(w.db, NOW, 2);
  expect(w.ids()).toEqual(["d"]);
  expect(w.total()).toEqual(w.counted());
});

test("no statement looks through the table", async () => {
  const w = world();
  await w.save("a");
  await w.responses.find("a", "ada");
  await w.responses.chain("a", "ada", 9);
  await w.responses.remove("a", "ada");
  pruneResponses(w.db, NOW, 2);
  const walks = [...w.statements]
    .filter((statement) => /\bresponse\b/.test(statement))
    .flatMap((statement) => w.planOf(statement))
    // The oldest: the first row of the table and no other.
    .filter((step) => /^SCAN (?:response|earlier)\b/.test(step));
  expect(walks).toEqual([]);
  expect(new Set(w.statements).size).toBeGreaterThan(4);
});
