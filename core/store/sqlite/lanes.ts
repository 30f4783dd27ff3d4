/**
 * Inbox and outbox are queues of lanes: at any moment one row of a lane, the oldest that has not
 * ended, is its head. Only a head is ever `waiting` or busy; those behind it are `queued`. So the
 * next piece of work is found by an index on the waiting rows alone, however long the backlog is.
 */
import type { WorkKind } from "../store.ts";
import { type Db, integerOf } from "./db.ts";

/** What is said of one queue here holds for the other. */
export type Queue = "inbox" | "outbox";

/** The state of a row about to be inserted: the head of `:lane`, or behind one. */
export function entryState(queue: Queue): string {
  return `case when exists (
      select 1 from ${queue} where lane = :lane and ended_at is null
    ) then 'queued' else 'waiting' end`;
}

/** The part of the inbox that one worker takes from; its words are those of its index. */
export const KINDS = {
  turn: "source <> 'forward'",
  forward: "source = 'forward'",
} as const satisfies Record<WorkKind, string>;

/**
 * The rows, at most `:limit`, that may be begun at `:now`; those put back first: they waited
 * longest.
 */
export function dueHeads(queue: Queue, condition = "true"): string {
  return `(
    select seq from (
      select * from (
        select seq, not_before from ${queue}
        where state = 'waiting' and ${condition} and not_before > 0 and not_before <= :now
        order by not_before, seq limit :limit
      ) as put_back
      union all
      select * from (
        select seq, not_before from ${queue}
        where state = 'waiting' and ${condition} and not_before = 0
        order by seq limit :limit
      ) as fresh
    ) as due
    order by not_before = 0, not_before, seq limit :limit
  )`;
}

const PROMOTE = perQueue(
  (queue) => `
  update ${queue} set state = 'waiting' where seq = (
    select seq from ${queue} where lane = :lane and ended_at is null order by seq limit 1
  ) and state = 'queued'`,
);

/**
 * One of `lane` has ended: if it was the head, the next one becomes the head. A head that is busy
 * stays so.
 */
export function promote(db: Db, queue: Queue, lane: string): void {
  db.run(PROMOTE[queue], { lane });
}

const nextDueOf = (queue: Queue, condition: string): string => `
  select not_before from ${queue} where state = 'waiting' and ${condition}
  order by not_before limit 1`;
const NEXT_DUE = {
  inbox: {
    turn: nextDueOf("inbox", KINDS.turn),
    forward: nextDueOf("inbox", KINDS.forward),
  },
  outbox: nextDueOf("outbox", "true"),
};

/** When the next head may be begun; undefined when there is none. */
export function nextDue(db: Db, queue: Queue, kind: WorkKind = "turn"): number | undefined {
  const row = db.first(queue === "inbox" ? NEXT_DUE.inbox[kind] : NEXT_DUE.outbox);
  return row && integerOf(row, "not_before");
}

const COUNT = perQueue((queue) => `select count(*) as count from ${queue} where ended_at is null`);

/** Rows that have not ended. Counts one index: 100,000 take a few milliseconds. */
export function backlog(db: Db, queue: Queue): number {
  return integerOf(db.first(COUNT[queue]) ?? {}, "count");
}

function perQueue(statement: (queue: Queue) => string): Readonly<Record<Queue, string>> {
  return { inbox: statement("inbox"), outbox: statement("outbox") };
}
