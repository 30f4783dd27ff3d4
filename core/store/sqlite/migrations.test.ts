import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { MIGRATIONS, migrate } from "./migrations.ts";

const ID = "0b8f6a52-41b6-4c39-9a63-1f2d8d0a7c11";

/** A file as a version with so many scripts left it. */
function written(scripts: number): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  migrate(database, "state", MIGRATIONS.slice(0, scripts));
  return database;
}

function layout(database: DatabaseSync): unknown[] {
  return database.prepare("select type, name, sql from sqlite_schema order by type, name").all();
}

test("a file of every earlier version becomes what a new one is", () => {
  const fresh = layout(written(MIGRATIONS.length));
  for (let scripts = 1; scripts < MIGRATIONS.length; scripts += 1) {
    const old = written(scripts);
    expect(layout(old)).not.toEqual(fresh);
    migrate(old, "state");
    expect(layout(old)).toEqual(fresh);
    migrate(old, "state");
    expect(layout(old)).toEqual(fresh);
  }
});

test("a script that fails leaves the file as it was", () => {
  const database = written(1);
  const before = layout(database);
  const scripts = [...MIGRATIONS.slice(0, 1), "create table half (id text); select nonsense"];
  expect(() => migrate(database, "state", scripts)).toThrow(/nonsense/);
  expect(layout(database)).toEqual(before);
  migrate(database, "state");
});

// Sessions that were there before it was written down which of them may be forgotten.
test.each([
  [`agent:main:openai:${ID}`, 1],
  ["agent:main:hook:agent:d1", 1],
  ["agent:main:main", 0],
  ["agent:main:telegram:direct:42", 0],
  [`agent:main:openai-user:x:openai:${ID}`, 0],
  ["agent:main:hook:ci", 0],
])("an older file's session %s gets ephemeral = %i", (key, ephemeral) => {
  const database = written(1);
  database
    .prepare(
      `insert into session
       (key, created_at, updated_at, message_count, input_tokens, output_tokens)
       values (?, 1, 1, 0, 0, 0)`,
    )
    .run(key);
  migrate(database, "state");
  expect(database.prepare("select ephemeral from session").all()).toEqual([{ ephemeral }]);
});
