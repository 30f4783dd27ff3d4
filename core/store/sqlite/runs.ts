import * as z from "zod";
import { GatewayError, isErrorCode } from "../../../shared/errors.ts";
import type { NewRun, StoredRun } from "../run.ts";
import { RUN_SOURCE } from "../run.ts";
import type { SessionEntry, RunEnd } from "../entry.ts";
import { type Db, integerOf, type Row, textOf, textOrNull } from "./db.ts";
import { endHeard, keep } from "./inbox.ts";
import { promote } from "./lanes.ts";
import { StoredUsage } from "./session-rows.ts";

/** What we wrote earlier, perhaps in an earlier version. */
const Ending = z.object({
  status: z.enum(["ok", "error", "aborted"]),
  startedAt: z.number().optional(),
  endedAt: z.number(),
  text: z.string(),
  stop: z.string().optional(),
  error: z
    .object({
      code: z.string().transform((code) => (isErrorCode(code) ? code : ("internal" as const))),
      message: z.string(),
    })
    .optional(),
  usage: StoredUsage.optional(),
  model: z.string().optional(),
});

const COLUMNS = "id, kind, session_key, item, accepted_at, ending";

const FIND = `select ${COLUMNS} from run where id = :id`;

export function findRun(db: Db, id: string): StoredRun | undefined {
  const row = db.first(FIND, { id });
  return row && readRun(row);
}

const OPEN = `select ${COLUMNS} from run where ended_at is null order by seq limit :limit`;
const OPEN_OF = `
  select ${COLUMNS} from run
  where session_key = :sessionKey and ended_at is null
  order by seq limit :limit`;

export function openRuns(db: Db, limit: number, sessionKey?: string): StoredRun[] {
  const rows =
    sessionKey === undefined ? db.all(OPEN, { limit }) : db.all(OPEN_OF, { limit, sessionKey });
  return rows.map(readRun);
}

const BEGIN = `
  insert into run (id, seq, kind, session_key, item, accepted_at)
  select :id, inbox.seq, :kind, :sessionKey, :item, :acceptedAt from inbox where inbox.id = :item`;

/** @param item - Id for its row in the inbox: one that never was there. */
export function beginRun(db: Db, run: NewRun, item: string): { fresh: boolean; run: StoredRun } {
  const known = findRun(db, run.id);
  if (known !== undefined) return { fresh: false, run: known };
  const { id, kind, sessionKey, payload } = run;
  const acceptedAt = Math.trunc(run.acceptedAt);
  const queued = { id: item, source: RUN_SOURCE, lane: sessionKey, payload };
  if (keep(db, [{ ...queued, receivedAt: acceptedAt }]).length === 0) {
    throw new GatewayError("conflict", "This run is being begun already");
  }
  db.run(BEGIN, { id, kind, sessionKey, item, acceptedAt });
  return { fresh: true, run: { id, kind, sessionKey, acceptedAt, item, end: undefined } };
}

const END = `
  update run set ended_at = :now, ending = :ending
  where id = :id and ended_at is null
  returning item`;

/**
 * @param now - From then on it is remembered for a while.
 * @returns The id of its item.
 * @throws RangeError when it has ended: a caller's bug.
 */
export function endRun(db: Db, id: string, end: RunEnd, now: number): string {
  const row = db.first(END, { id, ending: JSON.stringify(end), now });
  if (row === undefined) throw new RangeError("this run has ended, or never was");
  return textOf(row, "item");
}

/**
 * Ends what a turn was told besides its own message.
 *
 * @returns How many items have ended with it: not those that had ended before.
 */
export function endAllHeard(db: Db, entry: SessionEntry | undefined, now: number): number {
  const { heard = [], sessionKey = "" } = entry ?? {};
  let ended = 0;
  for (const { id, run } of heard) {
    if (!endHeard(db, id, now, sessionKey)) continue;
    ended += 1;
    if (run !== undefined) db.run(END, { id: run.id, ending: JSON.stringify(run.end), now });
  }
  return ended;
}

const CANCEL_ITEM = `
  update inbox set state = 'done', payload = null, reason = null, ended_at = :now
  where id = (select item from run where id = :id and ended_at is null)
    and state in ('waiting', 'queued')
  returning lane`;

/** @returns False when somebody works on it, or it has ended. */
export function cancelRun(db: Db, id: string, end: RunEnd, now: number): boolean {
  const row = db.first(CANCEL_ITEM, { id, now });
  if (row === undefined) return false;
  promote(db, "inbox", textOf(row, "lane"));
  endRun(db, id, end, now);
  return true;
}

const OLD = `
  delete from run where id in (
    select id from run where ended_at < :before order by ended_at limit :batch
  )`;

export function pruneRuns(db: Db, before: number, batch: number): void {
  db.run(OLD, { before, batch });
}

function readRun(row: Row): StoredRun {
  const ending = textOrNull(row, "ending");
  return {
    id: textOf(row, "id"),
    kind: textOf(row, "kind"),
    sessionKey: textOf(row, "session_key"),
    acceptedAt: integerOf(row, "accepted_at"),
    item: textOf(row, "item"),
    end: ending === null ? undefined : readEnd(ending),
  };
}

function readEnd(text: string): RunEnd {
  const { startedAt, stop, error, usage, model, ...end } = Ending.parse(JSON.parse(text));
  return { ...end, startedAt, stop, error, usage, model };
}
