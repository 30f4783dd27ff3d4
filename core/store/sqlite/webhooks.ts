import { GatewayError } from "../../../shared/errors.ts";
import type { NewWebhook, NewWebhookWork, WebhookAnswer, WebhookLogLimits } from "../webhook.ts";
import { addPart, adoptBody, dropBody, partsOf } from "./bodies.ts";
import { type Db, integerOf, type Row, textOf } from "./db.ts";
import { keep, remember } from "./inbox.ts";

/** What a row costs beside its body and headers: itself, its indexes, its work. Measured, roughly. */
const ROW_BYTES = 1_024;
/** Dropped in one transaction when the log is full: some 50 ms of deleting, at worst. */
const MAX_EVICT_ROWS = 1_000;
const MIN_EVICT_BYTES = 1024 * 1024;
const MAX_EVICT_BYTES = 16 * 1024 * 1024;
/** Dropped at once of what is too old. */
const MAX_PRUNE_BYTES = 16 * 1024 * 1024;
/** While the log is full of what has yet to be worked on. */
const FULL_RETRY_MS = 10_000;

/** Where the body of a webhook is: nowhere yet, or in parts that were written before. */
export interface Kept {
  readonly acceptedAt: number;
  readonly limits: WebhookLogLimits;
  /** Number of the body. */
  readonly body: number;
  readonly isStaged: boolean;
}

const ADD = `
  insert into webhook (
    id, route, state, open_items, items, accepted_at, ended_at, scheme, verified_by, secret,
    request_id, method, query, ip, received_at, attempts, sync, replay_of, size, bytes, body,
    lanes, headers
  ) values (
    :id, :route, 'waiting', 0, 0, :acceptedAt, null, :scheme, :verifiedBy, :secret,
    :requestId, :method, :query, :ip, :receivedAt, :attempts, :sync, :replayOf, :size, :bytes, :body,
    :lanes, :headers
  )
  returning seq`;

const SET_WORK = `
  update webhook set
    open_items = :items, items = :items,
    state = case when :items = 0 then 'filtered' else 'waiting' end,
    ended_at = case when :items = 0 then :now else null end
  where seq = :seq`;

/**
 * Writes a webhook down. Nothing but a count when none of its events is new.
 *
 * @returns The new ids: of work and of ignored events.
 * @throws GatewayError `overloaded` when the log is full of what has not ended.
 */
export function keepWebhook(
  db: Db,
  webhook: NewWebhook,
  work: readonly NewWebhookWork[],
  kept: Kept,
): string[] {
  const now = Math.trunc(kept.acceptedAt);
  const ignored = remember(db, webhook.ignored, now);
  const wanted = work.filter(({ events = [] }) => {
    return events.length === 0 || remember(db, events, now).length > 0;
  });
  const seq = addRow(db, webhook, kept);
  const worked = keep(db, wanted, seq);
  const fresh = [...worked, ...ignored];
  if (fresh.length === 0) {
    removeRow(db, seq);
    if (kept.isStaged) dropBody(db, kept.body);
    countAgain(db, webhook);
  } else {
    // Of a long body there is room already.
    if (!kept.isStaged) makeRoom(db, costOf(webhook), kept.limits.maxBytes);
    db.run(SET_WORK, { seq, items: worked.length, now });
    if (!kept.isStaged) {
      for (const { index, bytes } of partsOf(webhook.body)) addPart(db, kept.body, index, bytes);
    }
    countAccepted(db, webhook, now);
  }
  if (kept.isStaged) adoptBody(db, kept.body);
  return fresh;
}

const TAKEN = `select 1 as taken from webhook where id = :id`;
const REPLAYS = `select count(*) as count from webhook where replay_of = :id`;

/** An id outlives its events in the log: long after, it may be new work again, beside its replays. */
function freeName(db: Db, id: string): string {
  const isTaken = (name: string): boolean => db.first(TAKEN, { id: name }) !== undefined;
  if (!isTaken(id)) return id;
  let number = integerOf(db.first(REPLAYS, { id }) ?? {}, "count") + 1;
  while (isTaken(`${id}#${number}`)) number += 1;
  return `${id}#${number}`;
}

function addRow(db: Db, webhook: NewWebhook, { acceptedAt, body }: Kept): number {
  const id = freeName(db, webhook.id);
  const row = db.first(ADD, {
    id,
    route: webhook.route,
    acceptedAt: Math.trunc(acceptedAt),
    scheme: webhook.scheme,
    verifiedBy: webhook.verifiedBy,
    secret: webhook.secret,
    requestId: webhook.requestId,
    method: webhook.method,
    query: webhook.query,
    ip: webhook.ip,
    receivedAt: Math.trunc(webhook.receivedAt),
    attempts: webhook.attempts,
    sync: webhook.sync ? 1 : 0,
    replayOf: webhook.replayOf ?? (id === webhook.id ? null : webhook.id),
    size: webhook.body.byteLength,
    bytes: costOf(webhook),
    body,
    lanes: JSON.stringify(webhook.lanes),
    headers: JSON.stringify(webhook.headers),
  });
  return integerOf(row ?? {}, "seq");
}

/** What a webhook takes of the log. */
export function costOf({ body, headers, lanes }: NewWebhook): number {
  const words = [...lanes, ...headers.flat()].reduce((sum, word) => sum + word.length, 0);
  return body.byteLength + words + ROW_BYTES;
}

const REMOVE = `delete from webhook where seq = :seq`;

function removeRow(db: Db, seq: number): void {
  db.run(REMOVE, { seq });
}

const CAME_AGAIN = `update webhook set duplicates = duplicates + 1 where id = :id`;
const ROUTE_AGAIN = `
  insert into webhook_route (route, accepted, duplicates, last_at, bytes)
  values (:route, 0, 1, 0, 0)
  on conflict (route) do update set duplicates = webhook_route.duplicates + 1`;

/** A webhook came of which everything is known. */
export function countAgain(db: Db, { id, route }: Pick<NewWebhook, "id" | "route">): void {
  db.run(CAME_AGAIN, { id });
  db.run(ROUTE_AGAIN, { route });
}

const ROUTE_ACCEPTED = `
  insert into webhook_route (route, accepted, duplicates, last_at, bytes)
  values (:route, 1, 0, :now, :bytes)
  on conflict (route) do update set
    accepted = webhook_route.accepted + 1, last_at = excluded.last_at,
    bytes = webhook_route.bytes + excluded.bytes`;

function countAccepted(db: Db, webhook: NewWebhook, now: number): void {
  db.run(ROUTE_ACCEPTED, { route: webhook.route, now, bytes: costOf(webhook) });
}

const SET_ANSWER = `
  update webhook
  set answer_status = :status, answer_type = :type, answer_body = :body where seq = :webhook`;

export function setAnswer(
  db: Db,
  webhook: number | null,
  { status, contentType, body }: WebhookAnswer,
): void {
  if (webhook !== null) db.run(SET_ANSWER, { webhook, status, type: contentType, body });
}

const LOGGED = `select coalesce(sum(bytes), 0) as bytes from webhook_route`;

/** What the log holds, bytes. */
function logged(db: Db): number {
  return integerOf(db.first(LOGGED) ?? {}, "bytes");
}

/**
 * Drops of the oldest that have ended, so that `bytes` more fit: at least as much again as these, so
 * a log over its limit gets smaller with each webhook, and no transaction takes long.
 *
 * @returns Whether they fit now.
 * @throws GatewayError `overloaded` when all that is left has yet to be worked on.
 */
export function makeRoom(db: Db, bytes: number, maxBytes: number): boolean {
  const excess = logged(db) + bytes - maxBytes;
  if (excess <= 0) return true;
  const wanted = Math.min(excess, Math.max(2 * bytes, MIN_EVICT_BYTES), MAX_EVICT_BYTES);
  const rows = dropOldest(db, Number.MAX_SAFE_INTEGER, { bytes: wanted, rows: MAX_EVICT_ROWS });
  if (rows > 0) return logged(db) + bytes <= maxBytes;
  throw new GatewayError("overloaded", "The log is full of webhooks that wait to be handled", {
    retryAfterMs: FULL_RETRY_MS,
  });
}

/** Deletes some of what ended before. */
export function pruneWebhooks(db: Db, before: number, rows: number): void {
  dropOldest(db, Math.trunc(before), { bytes: MAX_PRUNE_BYTES, rows });
}

const OLDEST = `
  delete from webhook where seq = (
    select seq from webhook where ended_at < :before order by ended_at limit 1
  )
  returning route, body, bytes`;

/** Until so much is gone, or nothing is left that ended before. @returns How many. */
function dropOldest(db: Db, before: number, enough: { bytes: number; rows: number }): number {
  let rows = 0;
  for (let bytes = 0; rows < enough.rows && bytes < enough.bytes; rows += 1) {
    const row = db.first(OLDEST, { before });
    if (row === undefined) break;
    forget(db, row);
    bytes += integerOf(row, "bytes");
  }
  return rows;
}

const DISMISS = `
  delete from webhook
  where seq = (
    select seq from webhook where id = :id
    union all select seq from webhook where seq = :seq limit 1
  ) and state = 'dead'
  returning route, body, bytes`;

/** @returns False when there is none of this id, or `seq`, that is dead. */
export function dismissWebhook(db: Db, id: string): boolean {
  const row = db.first(DISMISS, { id, seq: /^\d{1,15}$/.test(id) ? Number(id) : -1 });
  if (row !== undefined) forget(db, row);
  return row !== undefined;
}

const ROUTE_LESS = `
  update webhook_route set bytes = bytes - :bytes where route = :route`;

function forget(db: Db, row: Row): void {
  dropBody(db, integerOf(row, "body"));
  db.run(ROUTE_LESS, { route: textOf(row, "route"), bytes: integerOf(row, "bytes") });
}
