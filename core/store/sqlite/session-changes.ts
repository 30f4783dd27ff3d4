import { GatewayError } from "../../../shared/errors.ts";
import { isEphemeral } from "../session-key.ts";
import type {
  NewSession,
  SessionChange,
  SessionExpectation,
  SessionInfo,
  SessionSettings,
} from "../session.ts";
import { type Db, integerOf, textOf } from "./db.ts";
import { INFO_COLUMNS, infoOf, settingsOf } from "./session-rows.ts";

const FIND = `select id, summary_seq, ${INFO_COLUMNS} from session where key = :key`;

export function findSession(db: Db, key: string): SessionInfo | undefined {
  const row = db.first(FIND, { key });
  return row && infoOf(row);
}

const CREATE = `
  insert into session
    (key, session_id, created_at, updated_at, message_count, input_tokens, output_tokens,
      ephemeral, created_by, label, label_folded, settings, parent, previous)
  values (:key, :sessionId, :at, :at, 0, 0, 0, :ephemeral, :createdBy, :label, :folded, :settings,
    :parent, :previous)`;

export function createSession(db: Db, session: NewSession): { fresh: boolean; info: SessionInfo } {
  const known = findSession(db, session.key);
  if (known !== undefined) return { fresh: false, info: known };
  insert(db, session, null);
  return { fresh: true, info: must(findSession(db, session.key)) };
}

function insert(db: Db, session: NewSession, previous: string | null): void {
  const { key, createdBy, label, settings = {}, parentKey, at } = session;
  if (label !== undefined) claimLabel(db, key, label);
  db.run(CREATE, {
    key,
    sessionId: crypto.randomUUID(),
    at: Math.trunc(at),
    ephemeral: isEphemeral(key) ? 1 : 0,
    createdBy,
    label: label ?? null,
    folded: foldedOf(label),
    settings: JSON.stringify(settings),
    parent: parentKey ?? null,
    previous,
  });
}

/** As a search compares it. */
function foldedOf(label: string | null | undefined): string | null {
  return label?.toLowerCase() ?? null;
}

const LABELLED = `select key from session where label = :label`;

function claimLabel(db: Db, key: string, label: string): void {
  const holder = db.first(LABELLED, { label });
  if (holder === undefined || textOf(holder, "key") === key) return;
  throw new GatewayError("invalid_request", `label already in use: ${label}`);
}

const PATCH = `
  update session
  set label = :label, label_folded = :folded, settings = :settings, archived_at = :archivedAt,
    revision = revision + 1, updated_at = :at
  where key = :key`;

export function patchSession(
  db: Db,
  key: string,
  change: SessionChange,
  moment: number,
  expected: SessionExpectation = {},
): SessionInfo {
  const at = Math.trunc(moment);
  const before = findSession(db, key);
  mustBe(before, expected);
  if (before === undefined) insert(db, { key, createdBy: "operator", at }, null);
  if (typeof change.label === "string") claimLabel(db, key, change.label);
  const settings = changed(before?.settings ?? {}, change.settings ?? {});
  const { label = before?.label ?? null } = change;
  db.run(PATCH, {
    key,
    label,
    folded: foldedOf(label),
    settings: JSON.stringify(settings),
    archivedAt: archivedAt(before?.archivedAt, change.archived, at),
    at,
  });
  return must(findSession(db, key));
}

function changed(
  settings: SessionSettings,
  change: NonNullable<SessionChange["settings"]>,
): SessionSettings {
  const entries = Object.entries({ ...settings, ...change });
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
}

function archivedAt(
  before: number | undefined,
  archived: boolean | undefined,
  at: number,
): number | null {
  if (archived === undefined) return before ?? null;
  return archived ? (before ?? at) : null;
}

const RETIRE = `
  update session set key = session_id, label = null, label_folded = null, retired_at = :at, ephemeral = 0
  where key = :key
  returning session_id`;

export function resetSession(db: Db, key: string, moment: number): SessionInfo {
  const at = Math.trunc(moment);
  const before = findSession(db, key);
  if (before !== undefined) db.run(RETIRE, { key, at });
  const { label, settings, parentKey, createdBy = "operator" } = before ?? {};
  insert(db, { key, label, settings, parentKey, createdBy, at }, before?.sessionId ?? null);
  return must(findSession(db, key));
}

export function removeSession(
  db: Db,
  key: string,
  moment: number,
  expected: SessionExpectation & { readonly archivedOnly?: boolean | undefined } = {},
): string | undefined {
  const before = findSession(db, key);
  if (before === undefined) return undefined;
  mustBe(before, expected);
  if (expected.archivedOnly === true && before.archivedAt === undefined) {
    throw new GatewayError("conflict", "The session is not archived");
  }
  const row = db.first(RETIRE, { key, at: Math.trunc(moment) });
  return row && textOf(row, "session_id");
}

const COMPACT = `
  update session
  set summary = :summary, summary_seq = :upTo, compactions = compactions + 1, context_seq = 0,
    updated_at = :at
  where key = :key and session_id = :sessionId and summary_seq < :upTo
  returning key`;

export function compactSession(
  db: Db,
  key: string,
  made: { readonly summary: string; readonly upTo: number; readonly sessionId: string },
  moment: number,
): SessionInfo {
  if (db.first(COMPACT, { key, ...made, at: Math.trunc(moment) }) === undefined) {
    throw new GatewayError("conflict", "The session has changed in between");
  }
  return must(findSession(db, key));
}

const COPY = `
  insert into message (session_id, seq, at, message, made)
  select :to, seq, at, message, made from message where session_id = :from and seq <= :upTo`;
const COUNT_COPIED = `
  update session
  set message_count = (select count(*) from message where session_id = :to),
    summary = (select summary from session where id = :from and summary_seq <= :upTo),
    summary_seq = coalesce(
      (select summary_seq from session where id = :from and summary_seq <= :upTo), 0)
  where id = :to`;

export function forkSession(
  db: Db,
  key: string,
  upTo: number,
  to: NewSession,
): SessionInfo | undefined {
  const source = db.first(FIND, { key });
  if (source === undefined || findSession(db, to.key) !== undefined) return undefined;
  insert(db, { ...to, settings: settingsOf(source) }, null);
  const from = integerOf(source, "id");
  const target = integerOf(must(db.first(FIND, { key: to.key })), "id");
  db.run(COPY, { from, to: target, upTo });
  db.run(COUNT_COPIED, { from, to: target, upTo });
  return findSession(db, to.key);
}

function mustBe(info: SessionInfo | undefined, expected: SessionExpectation): void {
  const { sessionId, revision } = expected;
  const same =
    (sessionId === undefined || sessionId === info?.sessionId) &&
    (revision === undefined || revision === info?.revision);
  if (!same) throw new GatewayError("conflict", "The session has changed since it was read");
}

function must<T>(found: T | undefined): T {
  if (found === undefined) throw new TypeError("a session that was just written is not there");
  return found;
}
