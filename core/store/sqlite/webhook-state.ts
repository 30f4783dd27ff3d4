/** The state of a webhook follows that of its work, in the same transaction. */
import type { Db } from "./db.ts";

const BEGAN = `
  update webhook set state = 'running' where seq = :webhook and state = 'waiting'`;

/** @param webhook - `seq`; null: the work came with none. So for all of these. */
export function workBegan(db: Db, webhook: number | null): void {
  if (webhook !== null) db.run(BEGAN, { webhook });
}

/** Of one that has open work: is any of it running? */
const OPEN_STATE = `
  case when exists (
    select 1 from inbox where webhook = :webhook and state = 'running'
  ) then 'running' else 'waiting' end`;

const PUT_BACK = `
  update webhook set state = ${OPEN_STATE}, reason = :reason where seq = :webhook`;

export function workPutBack(db: Db, webhook: number | null, reason: string): void {
  if (webhook !== null) db.run(PUT_BACK, { webhook, reason });
}

/** What was given up says why for good; a reason to put something off is over when it succeeds. */
const ENDED = `
  update webhook set
    open_items = open_items - 1,
    dead_items = dead_items + :dead,
    reason = case when :dead = 1 then :reason when dead_items > 0 then reason else null end,
    state = case
      when open_items > 1 then ${OPEN_STATE}
      when dead_items + :dead > 0 then 'dead'
      else 'done' end,
    ended_at = case when open_items > 1 then null else :now end
  where seq = :webhook`;

/** @param reason - Why it was given up; null: it was not. */
export function workEnded(
  db: Db,
  webhook: number | null,
  { now, reason }: { readonly now: number; readonly reason: string | null },
): void {
  if (webhook === null) return;
  db.run(ENDED, { webhook, now: Math.trunc(now), reason, dead: reason === null ? 0 : 1 });
}

const RECOVER = `
  update webhook set state = 'waiting' where ended_at is null and state = 'running'`;

/** What a killed process was working on waits again. */
export function recoverWebhooks(db: Db): void {
  db.run(RECOVER);
}
