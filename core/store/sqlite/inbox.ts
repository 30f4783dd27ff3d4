import type { WorkKind } from "../store.ts";
import { type Db, integerOf, integerOrNull, type Row, textOf, textOrNull } from "./db.ts";
import { dueHeads, entryState, KINDS, promote } from "./lanes.ts";
import { workBegan, workEnded, workPutBack } from "./webhook-state.ts";
import type { InboxItem, NewInboxItem } from "../entry.ts";

const KEEP = `
  insert into inbox (id, lane, state, source, payload, received_at, trace, webhook)
  values
    (:id, :lane, ${entryState("inbox")}, :source, :payload, :receivedAt, :trace, :webhook)
  on conflict (id) do nothing
  returning id`;

/**
 * Returns the ids that were new.
 *
 * @param webhook - `seq` of the webhook they came with; null: with none.
 */
export function keep(
  db: Db,
  items: readonly NewInboxItem[],
  webhook: number | null = null,
): string[] {
  const fresh: string[] = [];
  for (const { id, source, lane, payload, receivedAt, trace = null } of items) {
    const row = db.first(KEEP, {
      id,
      lane,
      source,
      payload: JSON.stringify(payload ?? null),
      receivedAt: Math.trunc(receivedAt),
      trace,
      webhook,
    });
    if (row !== undefined) fresh.push(id);
  }
  return fresh;
}

const REMEMBER = `
  insert into inbox (id, lane, state, source, received_at, ended_at, webhook)
  values (:id, '', 'done', '', :now, :now, null)
  on conflict (id) do nothing
  returning id`;

/** Makes events known for which there is nothing to do. Returns those that were new. */
export function remember(db: Db, ids: readonly string[], now: number): string[] {
  return ids.filter((id) => db.first(REMEMBER, { id, now: Math.trunc(now) }) !== undefined);
}

const KNOWN = `select 1 as known from inbox where id = :id`;

export function isKnown(db: Db, id: string): boolean {
  return db.first(KNOWN, { id }) !== undefined;
}

const takeOf = (kind: WorkKind): string => `
  update inbox set state = 'running', attempt = attempt + 1, started_at = :now
  where seq in ${dueHeads("inbox", KINDS[kind])}
  returning seq, id, source, lane, payload, attempt, received_at, trace, webhook`;
const TAKE = { turn: takeOf("turn"), forward: takeOf("forward") } as const;

export function take(db: Db, limit: number, moment: number, kind: WorkKind = "turn"): InboxItem[] {
  const now = Math.trunc(moment);
  const rows = db.all(TAKE[kind], { limit, now });
  for (const row of rows) workBegan(db, integerOrNull(row, "webhook"));
  // RETURNING promises no order.
  return rows.toSorted((a, b) => integerOf(a, "seq") - integerOf(b, "seq")).map(readItem);
}

const BEHIND = `
  select id, source, lane, payload, attempt, received_at, trace, webhook from inbox
  where lane = (select lane from inbox where id = :id and state = 'running')
    and ended_at is null and state = 'queued'
  order by seq limit :limit`;

export function behind(db: Db, id: string, limit: number): InboxItem[] {
  return db.all(BEHIND, { id, limit }).map(readItem);
}

function readItem(row: Row): InboxItem {
  return {
    id: textOf(row, "id"),
    source: textOf(row, "source"),
    lane: textOf(row, "lane"),
    payload: JSON.parse(textOf(row, "payload")),
    attempt: integerOf(row, "attempt"),
    receivedAt: integerOf(row, "received_at"),
    trace: textOrNull(row, "trace") ?? undefined,
    webhook: integerOrNull(row, "webhook") ?? undefined,
  };
}

const HEARD = `
  update inbox
  set state = 'done', payload = null, reason = null, ended_at = :now, session_key = :sessionKey
  where id = :id and state = 'queued'
  returning webhook`;

/** Ends an item that still waits behind another one, which has told it. @returns False: it has ended. */
export function endHeard(db: Db, id: string, now: number, sessionKey: string): boolean {
  const row = db.first(HEARD, { id, now, sessionKey });
  if (row === undefined) return false;
  workEnded(db, integerOrNull(row, "webhook"), { now, reason: null });
  return true;
}

/** What remains of finished work is its id, to know it again. */
const FINISH = `
  update inbox
  set state = 'done', payload = null, reason = null, ended_at = :now, session_key = :sessionKey
  where id = :id and state = 'running'
  returning lane, webhook`;

/**
 * Returns the `seq` of the webhook it came with, if any.
 *
 * @throws RangeError when the item is not running: a caller's bug.
 */
export function finish(
  db: Db,
  id: string,
  now: number,
  sessionKey: string | undefined,
): number | null {
  const row = running(db.first(FINISH, { id, now, sessionKey: sessionKey ?? null }));
  promote(db, "inbox", textOf(row, "lane"));
  const webhook = integerOrNull(row, "webhook");
  workEnded(db, webhook, { now, reason: null });
  return webhook;
}

const BURY = `
  update inbox set state = 'dead', reason = :reason, ended_at = :now
  where id = :id and state = 'running'
  returning lane, webhook`;

/** @throws RangeError when the item is not running: a caller's bug. */
export function bury(db: Db, id: string, reason: string, now: number): void {
  const row = running(db.first(BURY, { id, reason, now }));
  promote(db, "inbox", textOf(row, "lane"));
  workEnded(db, integerOrNull(row, "webhook"), { now, reason });
}

const RETRY = `
  update inbox set state = 'waiting', not_before = :notBefore, reason = :reason
  where id = :id and state = 'running'
  returning webhook`;

/** @throws RangeError when the item is not running: a caller's bug. */
export function retry(db: Db, id: string, notBefore: number, reason: string): void {
  const values = { id, notBefore: Math.max(0, Math.trunc(notBefore)), reason };
  workPutBack(db, integerOrNull(running(db.first(RETRY, values)), "webhook"), reason);
}

const RECOVER = `
  update inbox set state = 'waiting' where ended_at is null and state = 'running'`;

/** What a killed process was working on waits again, still at the head of its lane. */
export function recover(db: Db): void {
  db.run(RECOVER);
}

function running(row: Row | undefined): Row {
  if (row === undefined) throw new RangeError("this inbox item is not running");
  return row;
}
