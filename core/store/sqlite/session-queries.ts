import type { SearchHit, SessionFilter, SessionInfo, SessionPage } from "../session.ts";
import { type Db, integerOf, textOf } from "./db.ts";
import { findSession } from "./session-changes.ts";
import { INFO_COLUMNS, infoOf, MESSAGE_COLUMNS, messageOf } from "./session-rows.ts";

/** Of sessions of any number those used last are searched, and the newest messages of each. */
const SEARCHED = { sessions: 50, messages: 400 } as const;

/** An empty value means: any. */
const SHOWN = `
  from session
  where retired_at is null
    and updated_at >= :since
    and (:archived = 'all' or (archived_at is not null) = (:archived = 'only'))
    and (:prefix = '' or substr(key, 1, length(:prefix)) = :prefix)
    and (:label = '' or label = :label)
    and (:parent = '' or parent = :parent)
    and (:sessionId = '' or session_id = :sessionId)
    and (:search = '' or instr(lower(key || ' ' || coalesce(label, '')), :search) > 0)`;
const LIST = `
  select ${INFO_COLUMNS} ${SHOWN} order by updated_at desc, id desc limit :limit offset :offset`;
const COUNT = `select count(*) as count ${SHOWN}`;

export function listSessions(
  db: Db,
  filter: SessionFilter,
): { sessions: SessionInfo[]; total: number } {
  const { limit, offset, agentId } = filter;
  const values = {
    since: Math.trunc(filter.updatedSince ?? 0),
    archived: filter.archived,
    prefix: agentId === undefined ? "" : `agent:${agentId}:`,
    label: filter.label ?? "",
    parent: filter.parentKey ?? "",
    sessionId: filter.sessionId ?? "",
    search: filter.search ?? "",
  };
  return {
    sessions: db.all(LIST, { ...values, limit, offset }).map(infoOf),
    total: integerOf(db.first(COUNT, values) ?? {}, "count"),
  };
}

const NEWEST = `
  select ${MESSAGE_COLUMNS} from message join session on session.id = message.session_id
  where session.key = :key and message.seq < :before
  order by message.seq desc limit :limit`;
const AFTER = `
  select ${MESSAGE_COLUMNS} from message join session on session.id = message.session_id
  where session.key = :key and message.seq > :after
  order by message.seq limit :limit`;

export function sessionPage(
  db: Db,
  key: string,
  range: {
    readonly limit: number;
    readonly before?: number | undefined;
    readonly after?: number | undefined;
  },
): SessionPage | undefined {
  const info = findSession(db, key);
  if (info === undefined) return undefined;
  const { limit, before = Number.MAX_SAFE_INTEGER, after } = range;
  const rows =
    after === undefined
      ? db.all(NEWEST, { key, before, limit }).toReversed()
      : db.all(AFTER, { key, after, limit });
  return { info, messages: rows.map(messageOf) };
}

const RECENT = `
  select id, key, session_id, message_count from session
  where retired_at is null and (:prefix = '' or substr(key, 1, length(:prefix)) = :prefix)
  order by updated_at desc limit :limit`;
const NAMED = `select id, key, session_id, message_count from session where key = :key`;
const MATCHING = `
  select ${MESSAGE_COLUMNS} from message
  where session_id = :session and seq > :after and instr(lower(message), :text) > 0
  order by seq desc limit :limit`;

export function searchSessions(
  db: Db,
  text: string,
  filter: {
    readonly limit: number;
    readonly agentId?: string | undefined;
    readonly keys?: readonly string[] | undefined;
  },
): { hits: SearchHit[]; truncated: boolean } {
  const { limit, agentId, keys } = filter;
  const prefix = agentId === undefined ? "" : `agent:${agentId}:`;
  const rows =
    keys === undefined
      ? db.all(RECENT, { prefix, limit: SEARCHED.sessions + 1 })
      : keys.flatMap((key) => db.all(NAMED, { key }));
  // As it stands in the JSON of a message.
  const needle = JSON.stringify(text).slice(1, -1).toLowerCase();
  const hits: SearchHit[] = [];
  for (const row of rows.slice(0, SEARCHED.sessions)) {
    const after = integerOf(row, "message_count") - SEARCHED.messages;
    const session = integerOf(row, "id");
    const found = db.all(MATCHING, { session, after, text: needle, limit: limit - hits.length });
    const named = { key: textOf(row, "key"), sessionId: textOf(row, "session_id") };
    hits.push(...found.map((one) => ({ ...named, message: messageOf(one) })));
    if (hits.length >= limit) break;
  }
  return { hits, truncated: hits.length >= limit || rows.length > SEARCHED.sessions };
}
