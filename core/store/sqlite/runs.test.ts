import { expect, test } from "vitest";
import { watchedDb } from "../../../test/support/watched-db.ts";
import * as inbox from "./inbox.ts";
import { prune } from "./retention.ts";
import * as runs from "./runs.ts";
import * as change from "./session-changes.ts";
import * as query from "./session-queries.ts";
import { append, history, opening } from "./sessions.ts";

const NOW = 1_790_000_000_000;
const YEAR_MS = 366 * 86_400_000;
const USAGE = { inputTokens: 1, outputTokens: 1 };
const END = {
  status: "ok",
  startedAt: NOW,
  endedAt: NOW,
  text: "",
  stop: undefined,
  error: undefined,
  usage: undefined,
  model: undefined,
} as const;

function order(id: string) {
  return { id, kind: "chat", sessionKey: "s", acceptedAt: NOW, payload: {} };
}

test("runs and sessions are found by an index, however many there are", () => {
  const { db, database, statements } = watchedDb();
  runs.beginRun(db, order("a"), "item-a");
  runs.beginRun(db, order("b"), "item-b");
  inbox.take(db, 9, NOW);
  runs.findRun(db, "a");
  runs.openRuns(db, 9);
  runs.openRuns(db, 9, "s");
  inbox.finish(db, runs.endRun(db, "a", END, NOW), NOW, "s");
  runs.cancelRun(db, "b", END, NOW);
  append(db, { sessionKey: "s", messages: [{ role: "user", text: "m" }], usage: USAGE, at: NOW });
  history(db, "s", 9);
  opening(db, "s", 9);
  change.patchSession(db, "s", { label: "l" }, NOW);
  query.sessionPage(db, "s", { limit: 9 });
  query.sessionPage(db, "s", { limit: 9, after: 0 });
  for (const step of query.searchSteps(db, { keys: ["s"] }).steps) {
    query.searchStep(db, "m", step, 9);
  }
  change.forkSession(db, "s", 1, { key: "f", createdBy: "", at: NOW });
  change.resetSession(db, "s", NOW);
  change.removeSession(db, "s", NOW);
  prune(db, NOW);
  const walks = [...new Set(statements)].flatMap((statement) =>
    database
      .prepare(`explain query plan ${statement}`)
      .all()
      .map(({ detail }) => String(detail))
      .filter((step) => /^SCAN (?:run|inbox|session|message)\b/.test(step))
      .filter((step) => !/INDEX (?:run_open|inbox_due)$/.test(step))
      .map((step) => `${step} in ${statement}`),
  );
  expect(walks).toEqual([]);
});

test("what was reset is forgotten after a while, and what goes on is not", () => {
  const { db } = watchedDb();
  const say = (text: string): void =>
    append(db, { sessionKey: "s", messages: [{ role: "user", text }], usage: USAGE, at: NOW });
  say("old");
  const { sessionId } = change.findSession(db, "s") ?? { sessionId: "" };
  change.resetSession(db, "s", NOW);
  say("new");
  prune(db, NOW + 1);
  expect(query.sessionPage(db, sessionId, { limit: 9 })?.messages).toHaveLength(1);
  prune(db, NOW + YEAR_MS);
  prune(db, NOW + YEAR_MS);
  expect(query.sessionPage(db, sessionId, { limit: 9 })).toBeUndefined();
  expect(history(db, "s", 9)).toHaveLength(1);
});

test("a run is forgotten after a while, but not while it waits", () => {
  const { db } = watchedDb();
  runs.beginRun(db, order("ended"), "item-1");
  inbox.take(db, 9, NOW);
  inbox.finish(db, runs.endRun(db, "ended", END, NOW), NOW, undefined);
  runs.beginRun(db, order("waits"), "item-2");
  prune(db, NOW + YEAR_MS);
  expect(runs.findRun(db, "ended")).toBeUndefined();
  expect(runs.findRun(db, "waits")).toBeDefined();
});
