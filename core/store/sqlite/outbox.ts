import type { NewOutboxItem, OutboxItem } from "../entry.ts";
import { type Db, integerOf, type Row, textOf, textOrNull } from "./db.ts";
import { dueHeads, entryState, promote } from "./lanes.ts";

const QUEUE = `
  insert into outbox (id, lane, state, channel, conversation, text, trace, webhook)
  values
    (:id, :lane, ${entryState("outbox")}, :channel, :conversation, :text, :trace, :webhook)
  on conflict (id) do nothing
  returning id`;

/**
 * Returns how many pieces were new.
 *
 * @param webhook - `seq` of the webhook they answer; null: none.
 */
export function queueReply(
  db: Db,
  reply: readonly NewOutboxItem[],
  webhook: number | null = null,
): number {
  let fresh = 0;
  for (const { id, channel, conversation, text, trace = null } of reply) {
    // Pieces for one conversation leave in order. A channel id has no line break in it.
    const lane = `${channel}\n${conversation}`;
    const values = { id, lane, channel, conversation, text, trace, webhook };
    if (db.first(QUEUE, values) !== undefined) fresh += 1;
  }
  return fresh;
}

const UNSENT = `
  select id, channel, conversation, text, attempts, trace from outbox
  where seq in ${dueHeads("outbox")}
  order by seq`;

export function unsent(db: Db, limit: number, now: number): OutboxItem[] {
  return db.all(UNSENT, { limit, now }).map((row) => ({
    id: textOf(row, "id"),
    channel: textOf(row, "channel"),
    conversation: textOf(row, "conversation"),
    text: textOf(row, "text"),
    attempts: integerOf(row, "attempts"),
    trace: textOrNull(row, "trace") ?? undefined,
  }));
}

const MARK_SENDING = `
  update outbox set state = 'sending', attempts = attempts + 1
  where id = :id and state = 'waiting'
  returning lane`;

/** @throws RangeError when it is not the piece to be sent next: a caller's bug. */
export function markSending(db: Db, id: string): void {
  laneOf(db.first(MARK_SENDING, { id }), "waiting");
}

/** The platform has the text now, and we have it in the session. */
const MARK_SENT = `
  update outbox
  set state = 'sent', text = '', reason = null, platform_id = :platformId, ended_at = :now
  where id = :id and state = 'sending'
  returning lane`;

/** @throws RangeError when it is not being sent: a caller's bug. */
export function markSent(db: Db, id: string, platformId: string, now: number): void {
  promote(db, "outbox", laneOf(db.first(MARK_SENT, { id, platformId, now }), "being sent"));
}

const MARK_UNSENT = `
  update outbox set state = 'waiting', not_before = :notBefore, reason = :reason
  where id = :id and state = 'sending'
  returning lane`;

/** @throws RangeError when it is not being sent: a caller's bug. */
export function markUnsent(db: Db, id: string, notBefore: number, reason: string): void {
  const values = { id, notBefore: Math.max(0, Math.trunc(notBefore)), reason };
  laneOf(db.first(MARK_UNSENT, values), "being sent");
}

const MARK_LOST = `
  update outbox set state = 'lost', reason = :reason, ended_at = :now
  where id = :id and state in ('waiting', 'sending')
  returning lane`;

/** @throws RangeError when it is neither being sent nor next: a caller's bug. */
export function markLost(db: Db, id: string, reason: string, now: number): void {
  promote(db, "outbox", laneOf(db.first(MARK_LOST, { id, reason, now }), "under way"));
}

const LEFT_SENDING = `select id from outbox where ended_at is null and state = 'sending'`;

/**
 * What a killed process was sending may have arrived or not: sending it again could say it twice,
 * so it is given up, and people can see which.
 */
export function recoverOutbox(db: Db, now: number): void {
  for (const row of db.all(LEFT_SENDING)) {
    const reason = "the gateway was stopped while sending: it may have arrived";
    markLost(db, textOf(row, "id"), reason, now);
  }
}

function laneOf(row: Row | undefined, state: string): string {
  if (row === undefined) throw new RangeError(`this outbox item is not ${state}`);
  return textOf(row, "lane");
}
