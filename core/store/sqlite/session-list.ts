/** Lists of sessions, each kind of filter with the index it needs. */
import type { SessionFilter, SessionInfo } from "../session.ts";
import { type Db, integerOf, type Row, type Values } from "./db.ts";
import { INFO_COLUMNS, infoOf } from "./session-rows.ts";

/** Sessions that a part of a key or label is looked for in, those used last: some 10 ms. */
const MAX_SEARCHED = 20_000;

type Asked = Omit<SessionFilter, "limit" | "offset">;

interface Listing {
  readonly conditions: string;
  readonly values: Values;
  /** States of `archived` that are listed. */
  readonly states: readonly (0 | 1)[];
}

const STATES = { no: [0], only: [1], all: [0, 1] } as const;

/** By its own index, whatever order is asked for: few begin alike. */
const BEGINS = `id in (
  select id from session where session_id >= :shortId and session_id < :shortId || :behind)`;
/** Behind all that begin alike: ids are of ASCII. */
const BEHIND = "\u{10ffff}";
const CONTAINS = `(instr(lower(key), :search) > 0 or instr(label_folded, :search) > 0)`;

/** What is asked of a session, and how; each has its index but the last. */
const CONDITIONS = {
  updatedSince: "updated_at >= :updatedSince",
  agentId: "agent = :agentId",
  label: "label = :label",
  parentKey: "parent = :parentKey",
  sessionId: "session_id = :sessionId",
  shortId: BEGINS,
  search: CONTAINS,
} as const;

/** The statement for one kind of filter. Values are bound, never written in. */
function listingOf({ archived, ...asked }: Asked): Listing {
  const parts = Object.entries(CONDITIONS).flatMap(([name, condition]) => {
    const value = Object.entries(asked).find(([one]) => one === name)?.[1];
    return value === undefined ? [] : [{ name, condition, value }];
  });
  return {
    conditions: parts.map(({ condition }) => `and ${condition}`).join(" "),
    values: {
      ...Object.fromEntries(parts.map(({ name, value }) => [name, value])),
      ...(asked.shortId !== undefined && { behind: BEHIND }),
    },
    states: STATES[archived],
  };
}

const ORDER = "order by session.updated_at desc, session.id desc";
const PAGE = "limit :limit offset :offset";

/** Both states are merged in the order of their index, and what is on the page is then read. */
function ordered(columns: string, { conditions, states }: Listing): string {
  const [state, ...more] = states.map(
    (one) => `from session where retired_at is null and archived = ${one} ${conditions}`,
  );
  if (more.length === 0) return `select ${columns} ${state} ${ORDER} ${PAGE}`;
  const parts = [state, ...more].map((part) => `select id, updated_at ${part}`).join(" union all ");
  return `
    select ${columns} from (${parts} order by updated_at desc, id desc ${PAGE}) as page
    cross join session on session.id = page.id ${ORDER}`;
}

export function listSessions(
  db: Db,
  filter: SessionFilter,
): { sessions: SessionInfo[]; total: number } {
  const asked = withinReach(db, filter);
  const { limit, offset } = filter;
  const rows = newestOf(db, INFO_COLUMNS, asked, { limit, offset });
  return { sessions: rows.map(infoOf), total: totalOf(db, asked) };
}

/** Rows of the sessions that were used last. */
export function newestOf(
  db: Db,
  columns: string,
  asked: Asked,
  page: { readonly limit: number; readonly offset: number },
): Row[] {
  const listing = listingOf(asked);
  return db.all(ordered(columns, listing), { ...listing.values, ...page });
}

/** A search goes no further back than the session at this place. */
function withinReach(db: Db, { limit: _limit, offset: _offset, ...filter }: SessionFilter): Asked {
  const { archived, agentId, search = "", updatedSince = 0 } = filter;
  if (search === "") return { ...filter, search: undefined };
  const last = { limit: 1, offset: MAX_SEARCHED - 1 };
  const [row] = newestOf(db, "session.updated_at", { archived, agentId }, last);
  if (row === undefined) return filter;
  return { ...filter, updatedSince: Math.max(updatedSince, integerOf(row, "updated_at")) };
}

const KEPT = "select coalesce(sum(count), 0) as count from session_count where";

function totalOf(db: Db, asked: Asked): number {
  const { conditions, values, states } = listingOf(asked);
  const { agentId, archived: _archived, ...others } = asked;
  const isKept = Object.values(others).every((value) => value === undefined);
  const shown = `archived in (${states.join(", ")})`;
  const statement = isKept
    ? `${KEPT} ${shown} ${agentId === undefined ? "" : "and agent = :agentId"}`
    : `select count(*) as count from session where retired_at is null and ${shown} ${conditions}`;
  return integerOf(db.first(statement, values) ?? {}, "count");
}
