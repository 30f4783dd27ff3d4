import { type RawBuilder, sql } from "kysely";
import type { Db } from "./tables.ts";

/** The two queues of lanes: what is said of one here holds for the other. */
type Queue = "inbox" | "outbox";

/** State of a row about to be inserted: the head of its lane, or behind one. */
export function entryState(queue: Queue, lane: string): RawBuilder<"queued" | "waiting"> {
  return sql`case when exists (
    select 1 from ${sql.table(queue)} where lane = ${lane} and ended_at is null
  ) then 'queued' else 'waiting' end`;
}

/** The head of `lane` has ended: the next one, if any, becomes the head. */
export async function promote(db: Db, queue: Queue, lane: string): Promise<void> {
  const table = sql.table(queue);
  await sql`update ${table} set state = 'waiting' where seq = (
    select seq from ${table} where lane = ${lane} and ended_at is null order by seq limit 1
  )`.execute(db);
}

/** The rows, at most `limit`, that may be begun at `now`; those put back first: they waited longest. */
export function dueHeads(queue: Queue, limit: number, now: number): RawBuilder<number> {
  const table = sql.table(queue);
  const columns = sql`seq, not_before`;
  return sql`(
    select seq from (
      select * from (
        select ${columns} from ${table}
        where state = 'waiting' and not_before > 0 and not_before <= ${now}
        order by not_before, seq limit ${limit}
      )
      union all
      select * from (
        select ${columns} from ${table}
        where state = 'waiting' and not_before = 0
        order by seq limit ${limit}
      )
    )
    order by not_before = 0, not_before, seq limit ${limit}
  )`;
}

/** When the next head may be begun; undefined when there is none. */
export async function nextDue(db: Db, queue: Queue): Promise<number | undefined> {
  const row = await db
    .selectFrom(queue)
    .select("not_before")
    .where(sql<boolean>`state = 'waiting'`)
    .orderBy("not_before")
    .limit(1)
    .executeTakeFirst();
  return row?.not_before;
}
