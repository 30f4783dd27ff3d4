import type { DatabaseSync } from "node:sqlite";
import { GatewayError } from "../../../shared/errors.ts";
import { CRON_LIST } from "./layout/cron-list.ts";
import { CRON } from "./layout/cron.ts";
import { DEVICES } from "./layout/devices.ts";
import { RESPONSES } from "./layout/responses.ts";
import { SESSION_LIST } from "./layout/session-list.ts";
import { SESSIONS } from "./layout/sessions.ts";
import { USAGE } from "./layout/usage.ts";

/** Marks the file as ours (`file` shows it): "Saly" in ASCII. */
const APPLICATION_ID = 0x53616c79;

/**
 * One script per version, only ever added to: the file remembers how many have run. Times are Unix
 * milliseconds; `ended_at` is null exactly while a row has a place in its lane.
 */
export const MIGRATIONS: readonly string[] = [
  `
  create table inbox (
    seq integer primary key autoincrement,
    id text not null unique,
    lane text not null,
    state text not null,
    source text not null,
    payload text,
    attempt integer not null default 0,
    not_before integer not null default 0,
    received_at integer not null,
    ended_at integer,
    reason text
  ) strict;
  create index inbox_lane on inbox (lane, seq) where ended_at is null;
  create index inbox_due on inbox (not_before, seq) where state = 'waiting';
  create index inbox_ended on inbox (ended_at) where ended_at is not null;

  create table outbox (
    seq integer primary key autoincrement,
    id text not null unique,
    lane text not null,
    state text not null,
    channel text not null,
    conversation text not null,
    text text not null,
    not_before integer not null default 0,
    ended_at integer,
    reason text,
    platform_id text
  ) strict;
  create index outbox_lane on outbox (lane, seq) where ended_at is null;
  create index outbox_due on outbox (not_before, seq) where state = 'waiting';
  create index outbox_ended on outbox (ended_at) where ended_at is not null;

  create table session (
    id integer primary key autoincrement,
    key text not null unique,
    created_at integer not null,
    updated_at integer not null,
    message_count integer not null,
    input_tokens integer not null,
    output_tokens integer not null
  ) strict;

  create table message (
    session_id integer not null references session (id),
    seq integer not null,
    at integer not null,
    message text not null,
    primary key (session_id, seq)
  ) strict, without rowid;

  create table fact (
    key text primary key,
    value text not null
  ) strict, without rowid;
  `,
  `
  alter table outbox add column attempts integer not null default 0;

  -- Made for one request or one delivery: see session-key.ts.
  alter table session add column ephemeral integer not null default 0;
  update session set ephemeral = 1
    where key like 'agent:%:openai:________-____-____-____-____________'
    and key not like 'agent:%:openai-user:%'
    or key like 'agent:%:hook:agent:%';
  create index session_ephemeral on session (updated_at) where ephemeral = 1;

  -- What is kept for different times is found apart.
  drop index inbox_ended;
  create index inbox_done on inbox (ended_at) where state = 'done';
  create index inbox_dead on inbox (ended_at) where state = 'dead';
  drop index outbox_ended;
  create index outbox_sent on outbox (ended_at) where state = 'sent';
  create index outbox_lost on outbox (ended_at) where state = 'lost';
  `,
  `
  -- One row: who wrote last, and which file that was. See lease.ts.
  create table lease (
    id integer primary key check (id = 1),
    store text not null,
    inode text not null,
    epoch integer not null
  ) strict;
  `,
  `
  -- What came in as a webhook. State and counts change with its work: see webhooks.ts.
  create table webhook (
    seq integer primary key autoincrement,
    id text not null unique,
    route text not null,
    state text not null,
    open_items integer not null,
    dead_items integer not null default 0,
    items integer not null,
    accepted_at integer not null,
    ended_at integer,
    reason text,
    duplicates integer not null default 0,
    scheme text not null,
    verified_by text not null,
    secret integer not null,
    request_id text not null,
    method text not null,
    query text not null,
    ip text not null,
    received_at integer not null,
    attempts integer not null,
    sync integer not null,
    replay_of text,
    size integer not null,
    -- With what belongs to it, for the limit of the log.
    bytes integer not null,
    body integer not null,
    lanes text not null,
    headers text not null,
    answer_status integer,
    answer_type text,
    answer_body blob
  ) strict;
  create index webhook_route_seq on webhook (route, seq);
  create index webhook_accepted on webhook (accepted_at);
  create index webhook_open on webhook (seq) where ended_at is null;
  create index webhook_ended on webhook (ended_at) where ended_at is not null;
  create index webhook_ended_state on webhook (state, seq) where ended_at is not null;
  create index webhook_replay on webhook (replay_of) where replay_of is not null;

  -- Bodies in parts, so that none is read or written in one go: see bodies.ts.
  create table webhook_part (
    id integer primary key,
    bytes blob not null
  ) strict;
  -- Bodies that are being written. What a killed process leaves here belongs to no webhook.
  create table webhook_staging (
    body integer primary key
  ) strict;

  create table webhook_route (
    route text primary key,
    accepted integer not null,
    duplicates integer not null,
    last_at integer not null,
    bytes integer not null
  ) strict, without rowid;

  alter table inbox add column trace text;
  alter table inbox add column webhook integer;
  alter table inbox add column started_at integer;
  alter table inbox add column session_key text;
  create index inbox_webhook on inbox (webhook) where webhook is not null;
  -- What is posted on does not wait behind turns, nor they behind it.
  drop index inbox_due;
  create index inbox_due on inbox (not_before, seq) where state = 'waiting' and source <> 'forward';
  create index inbox_forward_due on inbox (not_before, seq)
    where state = 'waiting' and source = 'forward';
  alter table outbox add column trace text;
  alter table outbox add column webhook integer;
  create index outbox_webhook on outbox (webhook) where webhook is not null;
  `,
  `
  create index webhook_request on webhook (request_id, seq);
  `,
  SESSIONS,
  DEVICES,
  CRON,
  RESPONSES,
  USAGE,
  SESSION_LIST,
  CRON_LIST,
];

/**
 * Brings the file to this version's layout, forward only, in one transaction.
 *
 * @throws GatewayError `version_unsupported` for a file that a later version has written,
 *   `invalid_request` for a database of some other program.
 */
export function migrate(
  db: DatabaseSync,
  file: string,
  migrations: readonly string[] = MIGRATIONS,
): void {
  const version = pragma(db, "user_version");
  if (version > migrations.length) {
    throw new GatewayError(
      "version_unsupported",
      `${file} was written by a newer version (layout ${version}, this one knows ${migrations.length}): install that version again, or restore a backup`,
    );
  }
  const foreign = pragma(db, "application_id") !== APPLICATION_ID;
  if (foreign && pragma(db, "schema_version") > 0) {
    throw new GatewayError("invalid_request", `${file} belongs to another program: move it away`);
  }
  if (version === migrations.length) return;
  db.exec("begin immediate");
  try {
    for (const script of migrations.slice(version)) db.exec(script);
    db.exec(`pragma application_id = ${APPLICATION_ID}`);
    db.exec(`pragma user_version = ${migrations.length}`);
    db.exec("commit");
  } catch (error) {
    // On a full disk SQLite has done so itself.
    if (db.isTransaction) db.exec("rollback");
    throw error;
  }
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`pragma ${name}`).get()?.[name]);
}
