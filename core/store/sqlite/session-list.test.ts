import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { watchedDb, type WatchedDb } from "../../../test/support/watched-db.ts";
import { EPHEMERAL_SESSION_MS } from "../limits.ts";
import { integerOf, prepared } from "./db.ts";
import { SESSION_LIST } from "./layout/session-list.ts";
import { MIGRATIONS, migrate } from "./migrations.ts";
import { prune } from "./retention.ts";
import { createSession, patchSession, removeSession } from "./session-changes.ts";
import { listSessions } from "./session-list.ts";
import { searchSteps } from "./session-queries.ts";
import { append } from "./sessions.ts";

const NOW = 1_790_000_000_000;
const PAGE = { limit: 5, offset: 0 } as const;

function plansOf({ database, statements }: WatchedDb): { statement: string; plan: string[] }[] {
  return [...new Set(statements)].map((statement) => {
    const steps = database.prepare(`explain query plan ${statement}`).all();
    return { statement, plan: steps.map(({ detail }) => String(detail)) };
  });
}

test("no list of sessions looks through a table, nor sorts more than what was asked for by name", () => {
  const watched = watchedDb();
  const { db, statements } = watched;
  append(db, { sessionKey: "agent:a:s", messages: [], usage: NONE, at: NOW });
  statements.length = 0;
  const asked = [
    {},
    { agentId: "a" },
    { updatedSince: NOW },
    { updatedSince: NOW, agentId: "a" },
    { parentKey: "p" },
    { parentKey: "p", agentId: "a", updatedSince: NOW },
    { search: "x" },
    { search: "x", agentId: "a", parentKey: "p" },
    { label: "l" },
    { label: "l", agentId: "a", updatedSince: NOW },
    { sessionId: "i" },
    { shortId: "i" },
  ];
  for (const archived of ["no", "only", "all"] as const) {
    for (const one of asked) listSessions(db, { ...PAGE, archived, ...one });
  }
  searchSteps(db, {});
  searchSteps(db, { agentId: "a" });
  const walks = plansOf(watched).flatMap(({ statement, plan }) => {
    const sorts = plan.filter((step) => /B-TREE/.test(step));
    const isNamed = /label = |session_id/.test(statement);
    // Of both states at once: what is on the page.
    const most = isNamed ? 9 : Number(plan.includes("MERGE (UNION ALL)"));
    return [...plan.filter((step) => /^SCAN session\b/.test(step)), ...sorts.slice(most)].map(
      (step) => `${step} in ${statement}`,
    );
  });
  expect(walks).toEqual([]);
  expect(new Set(statements).size).toBeGreaterThan(40);
});

const NONE = { inputTokens: 0, outputTokens: 0 };

test("what is kept as the count of an agent's sessions is how many there are", () => {
  const { db } = watchedDb();
  const keys = Array.from({ length: 60 }, (_, index) => `agent:a${index % 3}:hook:agent:${index}`);
  for (const [index, key] of keys.entries()) {
    if (index % 2 === 0) createSession(db, { key, createdBy: "", at: NOW });
    else append(db, { sessionKey: key, messages: [], usage: NONE, at: NOW + 9 });
    if (index % 7 === 0) patchSession(db, key, { archived: true }, NOW + 9);
    if (index % 11 === 0) removeSession(db, key, NOW + 9);
  }
  // Those made at first and not used since are forgotten.
  prune(db, NOW + EPHEMERAL_SESSION_MS + 5);
  const kept = db.all("select agent, archived, count from session_count where count > 0");
  const counted = db.all(
    "select agent, archived, count(*) as count from session where retired_at is null group by 1, 2",
  );
  expect(kept).toEqual(counted);
  const left = kept.reduce((sum, row) => sum + integerOf(row, "count"), 0);
  expect(left).toBeGreaterThan(20);
  expect(left).toBeLessThan(45);
});

test("the sessions of an older file are counted and found by their labels", () => {
  const database = new DatabaseSync(":memory:");
  migrate(database, "state", MIGRATIONS.slice(0, MIGRATIONS.indexOf(SESSION_LIST)));
  const add = database.prepare(
    `insert into session (key, session_id, label, archived_at, retired_at, created_at, updated_at,
       message_count, input_tokens, output_tokens) values (?, ?, ?, ?, ?, 1, 1, 0, 0, 0)`,
  );
  add.run("agent:a:one", "1", "Plan", null, null);
  add.run("agent:a:two", "2", null, 7, null);
  add.run("agent:b:three", "3", null, null, null);
  add.run("4", "4", null, null, 7);
  migrate(database, "state");
  const db = prepared(database);
  const total = (asked: object): number =>
    listSessions(db, { ...PAGE, archived: "no", ...asked }).total;
  expect(total({})).toBe(2);
  expect(total({ agentId: "a" })).toBe(1);
  expect(total({ agentId: "a", archived: "all" })).toBe(2);
  expect(total({ search: "plan" })).toBe(1);
});
