import type { SearchHit, SessionPage } from "../session.ts";
import { type Db, integerOf, type Row, textOf } from "./db.ts";
import { findSession } from "./session-changes.ts";
import { newestOf } from "./session-list.ts";
import { MESSAGE_COLUMNS, messageOf } from "./session-rows.ts";

/**
 * Of sessions of any number those used last are searched, and the newest messages of each; so many
 * at once, as one of them can be a page of text or a hundred.
 */
const SEARCHED = { sessions: 50, messages: 400, atOnce: 50 } as const;

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

const NAMED_COLUMNS = "session.id, session.key, session.session_id, session.message_count";
const NAMED = `select ${NAMED_COLUMNS} from session where key = :key`;
const MATCHING = `
  select ${MESSAGE_COLUMNS} from message
  where session_id = :session and seq > :after and seq <= :upTo and instr(lower(message), :text) > 0
  order by seq desc limit :limit`;

/** One look at the messages of a session. */
export interface SearchStep {
  readonly session: number;
  readonly key: string;
  readonly sessionId: string;
  readonly after: number;
  readonly upTo: number;
}

/**
 * What is searched, the newest first, in steps between which others have their turn.
 *
 * @returns whether there are sessions that are not searched.
 */
export function searchSteps(
  db: Db,
  filter: { readonly agentId?: string | undefined; readonly keys?: readonly string[] | undefined },
): { steps: SearchStep[]; truncated: boolean } {
  const { agentId, keys } = filter;
  const asked = { agentId, archived: "all" } as const;
  const rows =
    keys === undefined
      ? newestOf(db, NAMED_COLUMNS, asked, { limit: SEARCHED.sessions + 1, offset: 0 })
      : keys.flatMap((key) => db.all(NAMED, { key }));
  const steps = rows.slice(0, SEARCHED.sessions).flatMap(stepsOf);
  return { steps, truncated: rows.length > SEARCHED.sessions };
}

function stepsOf(row: Row): SearchStep[] {
  const count = integerOf(row, "message_count");
  const named = { key: textOf(row, "key"), sessionId: textOf(row, "session_id") };
  const steps: SearchStep[] = [];
  const first = Math.max(0, count - SEARCHED.messages);
  for (let upTo = count; upTo > first; upTo -= SEARCHED.atOnce) {
    const after = Math.max(first, upTo - SEARCHED.atOnce);
    steps.push({ session: integerOf(row, "id"), ...named, after, upTo });
  }
  return steps;
}

export function searchStep(db: Db, text: string, step: SearchStep, limit: number): SearchHit[] {
  const { session, key, sessionId, after, upTo } = step;
  // As it stands in the JSON of a message.
  const needle = JSON.stringify(text).slice(1, -1).toLowerCase();
  const found = db.all(MATCHING, { session, after, upTo, text: needle, limit });
  return found.map((one) => ({ key, sessionId, message: messageOf(one) }));
}
