import { expect, test } from "vitest";
import { watchedDb } from "../../../test/support/watched-db.ts";
import { addPart, dropStaged, nextBody, stageBody } from "./bodies.ts";
import type { Db } from "./db.ts";
import * as inbox from "./inbox.ts";
import { backlog, nextDue } from "./lanes.ts";
import * as outbox from "./outbox.ts";
import { prune } from "./retention.ts";
import { append, history } from "./sessions.ts";
import {
  webhook as webhookDetail,
  webhookBody,
  webhooks,
  webhookStats,
} from "./webhook-queries.ts";
import { recoverWebhooks } from "./webhook-state.ts";
import * as log from "./webhooks.ts";

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
  inbox.take(db, 9, NOW, "forward");
  nextDue(db, "inbox", "forward");
  inbox.behind(db, "a", 9);
  inbox.endHeard(db, "a", NOW, "s");
  inbox.finish(db, "a", NOW, undefined);
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
  everyWebhookStatement(db);
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

/** A filter of the list is a statement of its own; those on a state are the rest of a page at worst. */
const FILTERS = [
  {},
  { route: "github" },
  { state: "dead" },
  { state: "waiting" },
  { route: "github", state: "done" },
  { since: NOW },
  { until: NOW },
  { since: NOW, until: NOW, route: "github" },
  { after: 0 },
  { before: 9 },
  { requestId: "r" },
] as const;

function everyWebhookStatement(db: Db): void {
  const webhook = {
    id: "w",
    route: "github",
    scheme: "github",
    verifiedBy: "edge",
    secret: 0,
    requestId: "r",
    method: "POST",
    query: "",
    ip: "",
    receivedAt: NOW,
    lanes: [],
    headers: [],
    body: new Uint8Array(9),
    attempts: 0,
    sync: true,
    ignored: ["ignored"],
  } as const;
  const work = ["w1", "w2", "w3"].map((id) => ({
    id,
    source: "s",
    lane: id,
    payload: 1,
    receivedAt: NOW,
    events: [`${id} event`],
  }));
  stageBody(db, 7);
  addPart(db, 7, 0, webhook.body);
  const limits = { maxAgeMs: 1, maxBytes: 1e6 };
  log.keepWebhook(db, webhook, work, { acceptedAt: NOW, limits, body: 1, isStaged: false });
  inbox.take(db, 9, NOW);
  log.setAnswer(db, inbox.finish(db, "w1", NOW, "s"), {
    status: 200,
    contentType: "",
    body: new Uint8Array(1),
  });
  inbox.retry(db, "w2", NOW, "busy");
  inbox.bury(db, "w3", "no handler", NOW);
  inbox.isKnown(db, "w");
  recoverWebhooks(db);
  dropStaged(db);
  nextBody(db);
  for (const filter of FILTERS) webhooks(db, { ...filter, limit: 9 });
  webhookDetail(db, "w");
  webhookDetail(db, "1");
  webhookBody(db, "w", 0, 9);
  webhookStats(db);
  log.keepWebhook(db, { ...webhook, id: "v", ignored: ["v"] }, [], {
    acceptedAt: NOW,
    limits: { maxAgeMs: 1, maxBytes: 3_000 },
    body: 2,
    isStaged: false,
  });
  log.dismissWebhook(db, "v");
  log.pruneWebhooks(db, NOW + 9, 9);
}

test("no statement looks through a table, or through an index of what has ended", () => {
  const { statements, planOf } = everyStatement();
  const walks = [...statements].flatMap((statement) =>
    planOf(statement)
      .filter((step) => /^SCAN (?:inbox|outbox|session|message|webhook|webhook_part)\b/.test(step))
      // The newest of a table, as many as were asked for: it is left before its second page.
      .filter((step) => !/^SCAN webhook(?:_part)?$/.test(step) || /\bwhere\b/.test(statement))
      .filter((step) => !step.endsWith("USING INDEX webhook_open"))
      // The few rows that wait in order, and the count at the start.
      .filter(
        (step) => !/USING (?:COVERING )?INDEX (?:in|out)box_(?:forward_)?(?:due|lane)$/.test(step),
      )
      .map((step) => `${step} in ${statement}`),
  );
  expect(walks).toEqual([]);
  expect(statements.size).toBeGreaterThan(20);
});
