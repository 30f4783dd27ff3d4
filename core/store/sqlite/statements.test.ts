import { expect, test } from "vitest";
import { watchedDb } from "../../../test/support/watched-db.ts";
import * as inbox from "./inbox.ts";
import { backlog, nextDue } from "./lanes.ts";
import * as outbox from "./outbox.ts";
import { prune } from "./retention.ts";
import { append, history } from "./sessions.ts";

const NOW = 1_790_000_000_000;

/** Every statement on a table that can grow, as it runs. */
function everyStatement(): { statements: Set<string>; planOf: (statement: string) => string[] } {
  const { db, database, statements } = watchedDb();
  const items = ["a", "b", "c"].map((id) => ({ id, source: "s", lane: id, payload: 1 }));
  inbox.keep(
    db,
    items.map((item) => ({ ...item, receivedAt: NOW })),
  );
  inbox.take(db, 9, NOW);
  inbox.finish(db, "a", NOW);
  inbox.bury(db, "b", "no handler", NOW);
  inbox.retry(db, "c", NOW, "busy");
  inbox.recover(db);
  const pieces = ["x", "y"].map((id) => ({ id, channel: "c", conversation: id, text: id }));
  outbox.queueReply(db, pieces);
  outbox.unsent(db, 9, NOW);
  outbox.markSending(db, "x");
  outbox.markUnsent(db, "x", NOW, "busy");
  outbox.markSending(db, "x");
  outbox.markSent(db, "x", "1", NOW);
  outbox.markSending(db, "y");
  outbox.recoverOutbox(db, NOW);
  for (const queue of ["inbox", "outbox"] as const) {
    nextDue(db, queue);
    backlog(db, queue);
  }
  const usage = { inputTokens: 1, outputTokens: 1 };
  append(db, { sessionKey: "s", messages: [{ role: "user", text: "m" }], usage, at: NOW });
  history(db, "s", 9);
  prune(db, NOW);
  return {
    statements: new Set(statements),
    planOf: (statement) =>
      database
        .prepare(`explain query plan ${statement}`)
        .all()
        .map(({ detail }) => String(detail)),
  };
}

test("no statement looks through a table, or through an index of what has ended", () => {
  const { statements, planOf } = everyStatement();
  const walks = [...statements].flatMap((statement) =>
    planOf(statement)
      .filter((step) => /^SCAN (?:inbox|outbox|session|message)\b/.test(step))
      // The few rows that wait in order, and the count at the start.
      .filter((step) => !/USING (?:COVERING )?INDEX (?:in|out)box_(?:due|lane)$/.test(step))
      .map((step) => `${step} in ${statement}`),
  );
  expect(walks).toEqual([]);
  expect(statements.size).toBeGreaterThan(20);
});
