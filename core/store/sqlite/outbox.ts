import { sql } from "kysely";
import type { OutboxItem } from "../store.ts";
import { dueHeads, entryState, promote } from "./lanes.ts";
import type { Db } from "./tables.ts";

/** Pieces for one conversation leave in order. A channel id has no line break in it. */
function laneOf({ channel, conversation }: OutboxItem): string {
  return `${channel}\n${conversation}`;
}

export async function queueReply(db: Db, reply: readonly OutboxItem[]): Promise<void> {
  for (const item of reply) {
    const lane = laneOf(item);
    await db
      .insertInto("outbox")
      .values({ ...item, lane, state: entryState("outbox", lane) })
      .onConflict((conflict) => conflict.column("id").doNothing())
      .execute();
  }
}

export async function unsent(db: Db, limit: number, now: number): Promise<OutboxItem[]> {
  return db
    .selectFrom("outbox")
    .select(["id", "channel", "conversation", "text"])
    .where("seq", "in", dueHeads("outbox", limit, now))
    .orderBy("seq")
    .execute();
}

/** @throws RangeError when it is not the piece to be sent next: a caller's bug. */
export async function markSending(db: Db, id: string): Promise<void> {
  const row = await db
    .updateTable("outbox")
    .set({ state: "sending" })
    .where("id", "=", id)
    .where("state", "=", "waiting")
    .returning("seq")
    .executeTakeFirst();
  known(row, "waiting");
}

/** @throws RangeError when it is not being sent: a caller's bug. */
export async function markSent(db: Db, id: string, platformId: string, now: number): Promise<void> {
  const row = await db
    .updateTable("outbox")
    .set({ state: "sent", text: "", reason: null, platform_id: platformId, ended_at: now })
    .where("id", "=", id)
    .where("state", "=", "sending")
    .returning("lane")
    .executeTakeFirst();
  await promote(db, "outbox", known(row, "being sent").lane);
}

/** @throws RangeError when it is not being sent: a caller's bug. */
export async function markUnsent(
  db: Db,
  id: string,
  notBefore: number,
  reason: string,
): Promise<void> {
  const row = await db
    .updateTable("outbox")
    .set({ state: "waiting", not_before: Math.max(0, Math.trunc(notBefore)), reason })
    .where("id", "=", id)
    .where("state", "=", "sending")
    .returning("seq")
    .executeTakeFirst();
  known(row, "being sent");
}

/** @throws RangeError when it is neither being sent nor next: a caller's bug. */
export async function markLost(db: Db, id: string, reason: string, now: number): Promise<void> {
  const row = await db
    .updateTable("outbox")
    .set({ state: "lost", reason, ended_at: now })
    .where("id", "=", id)
    .where("state", "in", ["waiting", "sending"])
    .returning("lane")
    .executeTakeFirst();
  await promote(db, "outbox", known(row, "under way").lane);
}

/**
 * What a killed process was sending may have arrived or not: sending it again could say it twice,
 * so it is given up, and people can see which.
 */
export async function recoverOutbox(db: Db, now: number): Promise<void> {
  const rows = await db
    .selectFrom("outbox")
    .select("id")
    .where("ended_at", "is", null)
    .where(sql<boolean>`state = 'sending'`)
    .execute();
  for (const { id } of rows) {
    await markLost(db, id, "the gateway was stopped while sending: it may have arrived", now);
  }
}

function known<T>(row: T | undefined, state: string): T {
  if (row === undefined) throw new RangeError(`this outbox item is not ${state}`);
  return row;
}
