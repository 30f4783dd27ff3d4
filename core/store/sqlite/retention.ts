import type { Db } from "./tables.ts";

const DAY_MS = 24 * 3_600_000;

/**
 * How long the id of finished work is remembered: longer than any sender repeats itself (GitHub
 * redelivers for 3 days, the relay for 72 hours, Stripe for 3 days).
 */
export const REMEMBER_MS = 8 * DAY_MS;
/** How long what was given up stays for people to look at. */
export const SHOW_LOST_MS = 30 * DAY_MS;
/** Rows of one table deleted at once: a few milliseconds. */
const BATCH = 500;

/** Deletes some of what is old enough. Called now and then, it keeps up with what comes in. */
export async function prune(db: Db, now: number): Promise<void> {
  await pruneInbox(db, now);
  await pruneOutbox(db, now);
}

async function pruneInbox(db: Db, now: number): Promise<void> {
  const old = db
    .selectFrom("inbox")
    .select("seq")
    .where("ended_at", "<", now - REMEMBER_MS)
    .where((eb) => eb.or([eb("state", "=", "done"), eb("ended_at", "<", now - SHOW_LOST_MS)]))
    .orderBy("ended_at")
    .limit(BATCH);
  await db.deleteFrom("inbox").where("seq", "in", old).execute();
}

async function pruneOutbox(db: Db, now: number): Promise<void> {
  const old = db
    .selectFrom("outbox")
    .select("seq")
    .where("ended_at", "<", now - REMEMBER_MS)
    .where((eb) => eb.or([eb("state", "=", "sent"), eb("ended_at", "<", now - SHOW_LOST_MS)]))
    .orderBy("ended_at")
    .limit(BATCH);
  await db.deleteFrom("outbox").where("seq", "in", old).execute();
}
