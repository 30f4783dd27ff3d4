import { sql } from "kysely";
import type { InboxItem, NewInboxItem } from "../store.ts";
import { dueHeads, entryState, promote } from "./lanes.ts";
import type { Db } from "./tables.ts";

/** Items that have not ended. Counts one index: 100,000 take a few milliseconds. */
export async function backlog(db: Db): Promise<number> {
  const { count } = await db
    .selectFrom("inbox")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("ended_at", "is", null)
    .executeTakeFirstOrThrow();
  return count;
}

export async function keep(db: Db, items: readonly NewInboxItem[]): Promise<string[]> {
  const fresh: string[] = [];
  for (const { id, source, lane, payload, receivedAt } of items) {
    const row = await db
      .insertInto("inbox")
      .values({
        id,
        lane,
        state: entryState("inbox", lane),
        source,
        payload: JSON.stringify(payload ?? null),
        received_at: Math.trunc(receivedAt),
      })
      .onConflict((conflict) => conflict.column("id").doNothing())
      .returning("id")
      .executeTakeFirst();
    if (row !== undefined) fresh.push(row.id);
  }
  return fresh;
}

export async function take(db: Db, limit: number, now: number): Promise<InboxItem[]> {
  const rows = await db
    .updateTable("inbox")
    .set((eb) => ({ state: "running", attempt: eb("attempt", "+", 1) }))
    .where("seq", "in", dueHeads("inbox", limit, now))
    .returning(["seq", "id", "source", "lane", "payload", "attempt", "received_at"])
    .execute();
  return rows
    .toSorted((a, b) => a.seq - b.seq) // RETURNING promises no order
    .map((row) => ({
      id: row.id,
      source: row.source,
      lane: row.lane,
      payload: JSON.parse(row.payload ?? "null"),
      attempt: row.attempt,
      receivedAt: row.received_at,
    }));
}

/** @throws RangeError when the item is not running: a caller's bug. */
export async function finish(db: Db, id: string, now: number): Promise<void> {
  const row = await db
    .updateTable("inbox")
    .set({ state: "done", payload: null, reason: null, ended_at: now })
    .where("id", "=", id)
    .where("state", "=", "running")
    .returning("lane")
    .executeTakeFirst();
  await promote(db, "inbox", running(row).lane);
}

/** @throws RangeError when the item is not running: a caller's bug. */
export async function bury(db: Db, id: string, reason: string, now: number): Promise<void> {
  const row = await db
    .updateTable("inbox")
    .set({ state: "dead", reason, ended_at: now })
    .where("id", "=", id)
    .where("state", "=", "running")
    .returning("lane")
    .executeTakeFirst();
  await promote(db, "inbox", running(row).lane);
}

/** @throws RangeError when the item is not running: a caller's bug. */
export async function retry(db: Db, id: string, notBefore: number, reason: string): Promise<void> {
  const row = await db
    .updateTable("inbox")
    .set({ state: "waiting", not_before: Math.max(0, Math.trunc(notBefore)), reason })
    .where("id", "=", id)
    .where("state", "=", "running")
    .returning("lane")
    .executeTakeFirst();
  running(row);
}

/** What a killed process was working on waits again, still at the head of its lane. */
export async function recover(db: Db): Promise<void> {
  await db
    .updateTable("inbox")
    .set({ state: "waiting" })
    .where("ended_at", "is", null)
    .where(sql<boolean>`state = 'running'`)
    .execute();
}

function running<T>(row: T | undefined): T {
  if (row === undefined) throw new RangeError("this inbox item is not running");
  return row;
}
