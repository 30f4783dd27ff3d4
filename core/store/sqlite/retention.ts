import {
  EPHEMERAL_SESSION_MS,
  LOG_LIMITS,
  REMEMBER_MS,
  RETIRED_SESSION_MS,
  SHOW_LOST_MS,
} from "../limits.ts";
import type { Db } from "./db.ts";
import type { Queue } from "./lanes.ts";
import { pruneResponses } from "./responses.ts";
import { pruneRuns } from "./runs.ts";
import { pruneUsage } from "./usage.ts";
import { pruneWebhooks } from "./webhooks.ts";

/** Rows written in between two looks at what is old, … */
export const PRUNE_EVERY_ROWS = 250;
/** … and rows of one kind deleted by one: twice as many, so it catches up. A few milliseconds. */
const BATCH = 2 * PRUNE_EVERY_ROWS;

/** The state must stand in the text for its index to be used. */
const endedIn = (queue: Queue, state: string): string => `
  delete from ${queue} where seq in (
    select seq from ${queue} where state = '${state}' and ended_at < :before
    order by ended_at limit :batch
  )`;

const DONE = endedIn("inbox", "done");
const DEAD = endedIn("inbox", "dead");
const SENT = endedIn("outbox", "sent");
const LOST = endedIn("outbox", "lost");

/** A session of any length goes in small parts: its messages first, … */
const messagesOf = (old: string, since: string): string => `
  delete from message where (session_id, seq) in (
    select message.session_id, message.seq
    from session join message on message.session_id = session.id
    where ${old} and session.${since} < :before
    order by session.${since}, session.id limit :batch
  )`;
/** … and itself when it has none left. */
const emptyOf = (old: string, since: string): string => `
  delete from session where id in (
    select id from (
      select id from session
      where ${old} and ${since} < :before
      order by ${since}, id limit :batch
    ) as unused
    where not exists (select 1 from message where message.session_id = unused.id)
  )`;

const UNUSED_MESSAGES = messagesOf("session.ephemeral = 1", "updated_at");
const UNUSED_SESSIONS = emptyOf("ephemeral = 1", "updated_at");
const RETIRED_MESSAGES = messagesOf("session.retired_at is not null", "retired_at");
const RETIRED_SESSIONS = emptyOf("retired_at is not null", "retired_at");

/**
 * Deletes some of what is old enough. Called every so many rows, it keeps up with what comes in.
 *
 * @param logMs - How long webhooks stay in the log.
 */
export function prune(db: Db, now: number, logMs = LOG_LIMITS.maxAgeMs): void {
  const remembered = { before: now - REMEMBER_MS, batch: BATCH };
  const shown = { before: now - SHOW_LOST_MS, batch: BATCH };
  const unused = { before: now - EPHEMERAL_SESSION_MS, batch: BATCH };
  const retired = { before: now - RETIRED_SESSION_MS, batch: BATCH };
  db.run(DONE, remembered);
  db.run(SENT, remembered);
  db.run(DEAD, shown);
  db.run(LOST, shown);
  db.run(UNUSED_MESSAGES, unused);
  db.run(UNUSED_SESSIONS, unused);
  db.run(RETIRED_MESSAGES, retired);
  db.run(RETIRED_SESSIONS, retired);
  pruneRuns(db, now - REMEMBER_MS, BATCH);
  pruneWebhooks(db, now - logMs, BATCH);
  pruneResponses(db, now, BATCH);
  pruneUsage(db, now, BATCH);
}
