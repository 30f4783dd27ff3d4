import * as z from "zod";
import type {
  WebhookDetail,
  WebhookFilter,
  WebhookItemRow,
  WebhookReply,
  WebhookRow,
  WebhookState,
  WebhookStats,
} from "../webhook.ts";
import { readBody } from "./bodies.ts";
import { bytesOf, type Db, integerOf, integerOrNull, type Row, textOf, textOrNull } from "./db.ts";

const MAX_LISTED = 1_000;
/** A webhook of more events than this shows the first of them. */
const MAX_DETAILS = 1_000;

const State = z.enum(["waiting", "running", "done", "filtered", "dead"]);
const ItemState = z.enum(["queued", "waiting", "running", "done", "dead"]);
const ReplyState = z.enum(["queued", "waiting", "sending", "sent", "lost"]);
const Verifier = z.enum(["edge", "core"]);
const Lanes = z.array(z.string());
const HeaderList = z.array(z.tuple([z.string(), z.string()]));

/** In the order of the table, as far as a list shows them: what is behind is not even read. */
const LISTED = `
  seq, id, route, state, items, accepted_at, ended_at, reason, duplicates, scheme, verified_by,
  request_id, method, received_at, attempts, sync, replay_of, size, lanes`;

const FIRST_SINCE = `
  select seq from webhook where accepted_at >= :since order by accepted_at, seq limit 1`;

/** The statement for one kind of filter: each kind has its index. Values are bound, never written in. */
function listing({ route, state, requestId, since, until, after, before }: WebhookFilter): string {
  const isOpen = state === "waiting" || state === "running";
  const conditions = [
    ...(route === undefined ? [] : ["route = :route"]),
    ...(state === undefined ? [] : [`state = :state and ended_at is ${isOpen ? "" : "not "}null`]),
    ...(requestId === undefined ? [] : ["request_id = :requestId"]),
    ...(since === undefined ? [] : ["seq >= :first and accepted_at >= :since"]),
    ...(until === undefined ? [] : ["seq < :last and accepted_at < :until"]),
    ...(after === undefined ? [] : ["seq > :after"]),
    ...(before === undefined ? [] : ["seq < :before"]),
  ];
  const where = conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
  const order = after === undefined ? "desc" : "asc";
  return `select ${LISTED} from webhook ${where} order by seq ${order} limit :limit`;
}

export function webhooks(db: Db, filter: WebhookFilter): WebhookRow[] {
  const { route, state, requestId, since, until, after, before } = filter;
  const limit = Math.min(Math.max(0, Math.trunc(filter.limit)), MAX_LISTED);
  const values = {
    ...(route === undefined ? {} : { route }),
    ...(state === undefined ? {} : { state }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(since === undefined ? {} : { since, first: firstSince(db, since) }),
    ...(until === undefined ? {} : { until, last: firstSince(db, until) }),
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
    limit,
  };
  return db.all(listing(filter), values).map(rowOf);
}

/** Where a moment stands in the log. */
function firstSince(db: Db, since: number): number {
  const row = db.first(FIRST_SINCE, { since });
  return row === undefined ? Number.MAX_SAFE_INTEGER : integerOf(row, "seq");
}

function rowOf(row: Row): WebhookRow {
  return {
    seq: integerOf(row, "seq"),
    id: textOf(row, "id"),
    route: textOf(row, "route"),
    scheme: textOf(row, "scheme"),
    verifiedBy: Verifier.parse(row["verified_by"]),
    requestId: textOf(row, "request_id"),
    method: textOf(row, "method"),
    state: stateOf(row),
    reason: textOrNull(row, "reason") ?? undefined,
    receivedAt: integerOf(row, "received_at"),
    acceptedAt: integerOf(row, "accepted_at"),
    endedAt: integerOrNull(row, "ended_at") ?? undefined,
    lanes: Lanes.parse(JSON.parse(textOf(row, "lanes"))),
    size: integerOf(row, "size"),
    items: integerOf(row, "items"),
    replayOf: textOrNull(row, "replay_of") ?? undefined,
    duplicates: integerOf(row, "duplicates"),
    attempts: integerOf(row, "attempts"),
    sync: integerOf(row, "sync") === 1,
  };
}

function stateOf(row: Row): WebhookState {
  return State.parse(row["state"]);
}

const BY_ID = `select * from webhook where id = :id`;
const BY_SEQ = `select * from webhook where seq = :seq`;

/** By the id of the delivery, or else by `seq`: an id is never digits alone, it begins with its route. */
function find(db: Db, id: string): Row | undefined {
  const row = db.first(BY_ID, { id });
  if (row !== undefined || !/^\d{1,15}$/.test(id)) return row;
  return db.first(BY_SEQ, { seq: Number(id) });
}

const WORK = `
  select id, source, lane, state, attempt, reason, started_at, ended_at, session_key
  from inbox where webhook = :seq order by seq limit :limit`;
const REPLIES = `
  select id, state, channel, conversation, platform_id, reason, ended_at
  from outbox where webhook = :seq order by seq limit :limit`;
const REPLAYS = `select id from webhook where replay_of = :id order by seq limit :limit`;

export function webhook(db: Db, id: string): WebhookDetail | undefined {
  const row = find(db, id);
  if (row === undefined) return undefined;
  const listed = rowOf(row);
  const values = { seq: listed.seq, limit: MAX_DETAILS };
  const replays = db.all(REPLAYS, { id: listed.id, limit: MAX_DETAILS });
  return {
    ...listed,
    query: textOf(row, "query"),
    ip: textOf(row, "ip"),
    secret: integerOf(row, "secret"),
    headers: HeaderList.parse(JSON.parse(textOf(row, "headers"))),
    work: db.all(WORK, values).map(workOf),
    replies: db.all(REPLIES, values).map(replyOf),
    replays: replays.map((replay) => textOf(replay, "id")),
    answer: answerOf(row),
  };
}

function workOf(row: Row): WebhookItemRow {
  return {
    id: textOf(row, "id"),
    source: textOf(row, "source"),
    lane: textOf(row, "lane"),
    state: ItemState.parse(row["state"]),
    attempt: integerOf(row, "attempt"),
    reason: textOrNull(row, "reason") ?? undefined,
    startedAt: integerOrNull(row, "started_at") ?? undefined,
    endedAt: integerOrNull(row, "ended_at") ?? undefined,
    sessionKey: textOrNull(row, "session_key") ?? undefined,
  };
}

function replyOf(row: Row): WebhookReply {
  return {
    id: textOf(row, "id"),
    state: ReplyState.parse(row["state"]),
    channel: textOf(row, "channel"),
    conversation: textOf(row, "conversation"),
    platformId: textOrNull(row, "platform_id") ?? undefined,
    reason: textOrNull(row, "reason") ?? undefined,
    endedAt: integerOrNull(row, "ended_at") ?? undefined,
  };
}

function answerOf(row: Row): WebhookDetail["answer"] {
  const status = integerOrNull(row, "answer_status");
  if (status === null) return undefined;
  const contentType = textOrNull(row, "answer_type") ?? "";
  return { status, contentType, body: bytesOf(row, "answer_body") };
}

export function webhookBody(
  db: Db,
  id: string,
  offset: number,
  limit: number,
): { bytes: Uint8Array<ArrayBuffer>; total: number } | undefined {
  const row = find(db, id);
  if (row === undefined) return undefined;
  const place = { body: integerOf(row, "body"), size: integerOf(row, "size") };
  return { bytes: readBody(db, place, offset, limit), total: place.size };
}

/** One row a route: as many as were ever configured. */
const STATS = `
  select route, accepted, duplicates, last_at, bytes from webhook_route order by route`;

export function webhookStats(db: Db): WebhookStats[] {
  return db.all(STATS).map((row) => ({
    route: textOf(row, "route"),
    accepted: integerOf(row, "accepted"),
    duplicates: integerOf(row, "duplicates"),
    lastAt: integerOf(row, "last_at"),
    bytes: integerOf(row, "bytes"),
  }));
}
