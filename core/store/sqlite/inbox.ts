import type { InboxItem, NewInboxItem } from "../store.ts";
import { type Db, integerOf, type Row, textOf } from "./db.ts";
import { dueHeads, entryState, promote } from "./lanes.ts";

const KEEP = `
  insert into inbox (id, lane, state, source, payload, received_at)
  values (:id, :lane, ${entryState("inbox")}, :source, :payload, :receivedAt)
  on conflict (id) do nothing
  returning id`;

/** Returns the ids that were new. */
export function keep(db: Db, items: readonly NewInboxItem[]): string[] {
  const fresh: string[] = [];
  for (const { id, source, lane, payload, receivedAt } of items) {
    const row = db.first(KEEP, {
      id,
      lane,
      source,
      payload: JSON.stringify(payload ?? null),
      receivedAt: Math.trunc(receivedAt),
    });
    if (row !== undefined) fresh.push(id);
  }
  return fresh;
}

const TAKE = `
  update inbox set state = 'running', attempt = attempt + 1
  where seq in ${dueHeads("inbox")}
  returning seq, id, source, lane, payload, attempt, received_at`;

export function take(db: Db, limit: number, now: number): InboxItem[] {
  return db
    .all(TAKE, { limit, now })
    .toSorted((a, b) => integerOf(a, "seq") - integerOf(b, "seq")) // RETURNING promises no order
    .map((row) => ({
      id: textOf(row, "id"),
      source: textOf(row, "source"),
      lane: textOf(row, "lane"),
      payload: JSON.parse(textOf(row, "payload")),
      attempt: integerOf(row, "attempt"),
      receivedAt: integerOf(row, "received_at"),
    }));
}

/** What remains of finished work is its id, to know it again. */
const FINISH = `
  update inbox set state = 'done', payload = null, reason = null, ended_at = :now
  where id = :id and state = 'running'
  returning lane`;

/** @throws RangeError when the item is not running: a caller's bug. */
export function finish(db: Db, id: string, now: number): void {
  promote(db, "inbox", laneOf(db.first(FINISH, { id, now })));
}

const BURY = `
  update inbox set state = 'dead', reason = :reason, ended_at = :now
  where id = :id and state = 'running'
  returning lane`;

/** @throws RangeError when the item is not running: a caller's bug. */
export function bury(db: Db, id: string, reason: string, now: number): void {
  promote(db, "inbox", laneOf(db.first(BURY, { id, reason, now })));
}

const RETRY = `
  update inbox set state = 'waiting', not_before = :notBefore, reason = :reason
  where id = :id and state = 'running'
  returning lane`;

/** @throws RangeError when the item is not running: a caller's bug. */
export function retry(db: Db, id: string, notBefore: number, reason: string): void {
  laneOf(db.first(RETRY, { id, notBefore: Math.max(0, Math.trunc(notBefore)), reason }));
}

const RECOVER = `
  update inbox set state = 'waiting' where ended_at is null and state = 'running'`;

/** What a killed process was working on waits again, still at the head of its lane. */
export function recover(db: Db): void {
  db.run(RECOVER);
}

function laneOf(row: Row | undefined): string {
  if (row === undefined) throw new RangeError("this inbox item is not running");
  return textOf(row, "lane");
}
