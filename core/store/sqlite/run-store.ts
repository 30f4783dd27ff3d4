import type { NewRun, RunStore, StoredRun } from "../run.ts";
import type { NewOutboxItem, SessionEntry, RunEnd } from "../entry.ts";
import type { ModelCall, SpentCalls } from "../usage.ts";
import type { Db } from "./db.ts";
import { finish } from "./inbox.ts";
import { queueReply } from "./outbox.ts";
import { beginRun, cancelRun, endAllHeard, endRun, findRun, openRuns } from "./runs.ts";
import type { Run, Write } from "./session-store.ts";
import { append, rowsOf, spend } from "./sessions.ts";

export interface SqliteRunParts {
  readonly run: Run;
  readonly write: Write;
  /** Unix ms; decides how long ended runs are kept. */
  readonly now: () => number;
  /** Makes room in the inbox for one item; the work tells whether it was new. */
  readonly takeIn: <T extends { readonly fresh: boolean }>(work: () => Promise<T>) => Promise<T>;
  /** So many items of the inbox have ended, by default one, and left so many pieces in the outbox; these calls were kept with it. */
  readonly onEnd: (queued: number, calls?: readonly ModelCall[], items?: number) => void;
}

/** The port, in SQL: see `runs.ts`. */
export class SqliteRuns implements RunStore {
  readonly #parts: SqliteRunParts;

  constructor(parts: SqliteRunParts) {
    this.#parts = parts;
  }

  begin(run: NewRun): Promise<{ fresh: boolean; run: StoredRun }> {
    // Never the id of a run alone: the inbox may remember one that is forgotten here.
    const item = `run:${crypto.randomUUID()}`;
    return this.#parts.takeIn(() => this.#parts.write(2, (db) => beginRun(db, run, item)));
  }

  find(id: string): Promise<StoredRun | undefined> {
    return this.#parts.run((db) => findRun(db, id));
  }

  open(limit: number, sessionKey?: string): Promise<StoredRun[]> {
    return this.#parts.run((db) => openRuns(db, limit, sessionKey));
  }

  async finish(
    id: string,
    end: RunEnd,
    left: {
      readonly reply?: readonly NewOutboxItem[];
      readonly entry?: SessionEntry | undefined;
      readonly spent?: SpentCalls | undefined;
    } = {},
  ): Promise<void> {
    const { reply = [], entry, spent } = left;
    const made = entry === undefined ? (spent?.calls.length ?? 0) : rowsOf(entry);
    const rows = reply.length + made;
    const [queued, heard] = await this.#parts.write(rows, (db: Db) => {
      const now = Math.trunc(this.#parts.now());
      // Before the lane goes on: they are no longer in it.
      const ended = endAllHeard(db, entry, now);
      finish(db, endRun(db, id, end, now), now, entry?.sessionKey);
      if (entry !== undefined) append(db, entry);
      if (spent !== undefined) spend(db, spent);
      return [queueReply(db, reply), ended] as const;
    });
    const calls = [...(entry?.calls ?? []), ...(spent?.calls ?? [])];
    this.#parts.onEnd(queued, calls, 1 + heard);
  }

  async cancel(id: string, end: RunEnd): Promise<boolean> {
    const now = Math.trunc(this.#parts.now());
    const canceled = await this.#parts.run((db) => cancelRun(db, id, end, now));
    if (canceled) this.#parts.onEnd(0);
    return canceled;
  }
}
