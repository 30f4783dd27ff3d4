import type { DatabaseSync } from "node:sqlite";
import { GatewayError } from "../../../shared/errors.ts";

/** Marks the file as ours (`file` shows it): "Saly" in ASCII. */
const APPLICATION_ID = 0x53616c79;

/** One script per version, only ever added to: the file remembers how many have run. */
const MIGRATIONS: readonly string[] = [
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
];

/**
 * Brings the file to this version's layout, forward only, in one transaction.
 *
 * @throws GatewayError `version_unsupported` for a file that a later version has written,
 *   `invalid_request` for a database of some other program.
 */
export function migrate(db: DatabaseSync, file: string): void {
  const version = pragma(db, "user_version");
  if (version > MIGRATIONS.length) {
    throw new GatewayError(
      "version_unsupported",
      `${file} was written by a newer version (layout ${version}, this one knows ${MIGRATIONS.length}): install that version again, or restore a backup`,
    );
  }
  const foreign = pragma(db, "application_id") !== APPLICATION_ID;
  if (foreign && pragma(db, "schema_version") > 0) {
    throw new GatewayError("invalid_request", `${file} belongs to another program: move it away`);
  }
  if (version === MIGRATIONS.length) return;
  db.exec("begin immediate");
  try {
    for (const script of MIGRATIONS.slice(version)) db.exec(script);
    db.exec(`pragma application_id = ${APPLICATION_ID}`);
    db.exec(`pragma user_version = ${MIGRATIONS.length}`);
    db.exec("commit");
  } catch (error) {
    db.exec("rollback");
    throw error;
  }
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`pragma ${name}`).get()?.[name]);
}
