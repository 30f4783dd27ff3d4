import type {
  NewSession,
  SearchHit,
  SessionChange,
  SessionExpectation,
  SessionFilter,
  SessionInfo,
  SessionOpening,
  SessionPage,
  SessionStore,
} from "../session.ts";
import type { SessionEntry } from "../entry.ts";
import type { Db } from "./db.ts";
import * as change from "./session-changes.ts";
import { listSessions } from "./session-list.ts";
import * as query from "./session-queries.ts";
import { append, opening, rowsOf } from "./sessions.ts";

/** Runs a job of the committer. */
export type Run = <T>(work: (db: Db) => T) => Promise<T>;
/** The same for one that adds so many rows to tables that only grow. */
export type Write = <T>(rows: number, work: (db: Db) => T) => Promise<T>;

/** The port, in SQL: see the files of queries and changes. */
export class SqliteSessions implements SessionStore {
  readonly #run: Run;
  readonly #write: Write;
  readonly #onCalls: (calls: SessionEntry["calls"]) => void;

  /** @param onCalls - Told of calls of models once they are kept. */
  constructor(run: Run, write: Write, onCalls: (calls: SessionEntry["calls"]) => void) {
    this.#run = run;
    this.#write = write;
    this.#onCalls = onCalls;
  }

  opening(key: string, limit: number): Promise<SessionOpening> {
    return this.#run((db) => opening(db, key, limit));
  }

  async add(entry: SessionEntry): Promise<void> {
    await this.#write(rowsOf(entry), (db) => append(db, entry));
    this.#onCalls(entry.calls);
  }

  find(key: string): Promise<SessionInfo | undefined> {
    return this.#run((db) => change.findSession(db, key));
  }

  list(filter: SessionFilter): Promise<{ sessions: SessionInfo[]; total: number }> {
    return this.#run((db) => listSessions(db, filter));
  }

  create(session: NewSession): Promise<{ fresh: boolean; info: SessionInfo }> {
    return this.#write(1, (db) => change.createSession(db, session));
  }

  patch(
    key: string,
    to: SessionChange,
    at: number,
    expected?: SessionExpectation,
  ): Promise<SessionInfo> {
    return this.#write(1, (db) => change.patchSession(db, key, to, at, expected));
  }

  reset(key: string, at: number): Promise<SessionInfo> {
    return this.#write(1, (db) => change.resetSession(db, key, at));
  }

  remove(
    key: string,
    at: number,
    expected?: SessionExpectation & { readonly archivedOnly?: boolean | undefined },
  ): Promise<string | undefined> {
    return this.#run((db) => change.removeSession(db, key, at, expected));
  }

  page(
    key: string,
    range: {
      readonly limit: number;
      readonly before?: number | undefined;
      readonly after?: number | undefined;
    },
  ): Promise<SessionPage | undefined> {
    return this.#run((db) => query.sessionPage(db, key, range));
  }

  compact(
    key: string,
    made: { readonly summary: string; readonly upTo: number; readonly sessionId: string },
    at: number,
  ): Promise<SessionInfo> {
    return this.#run((db) => change.compactSession(db, key, made, at));
  }

  fork(key: string, upTo: number, to: NewSession): Promise<SessionInfo | undefined> {
    return this.#write(upTo, (db) => change.forkSession(db, key, upTo, to));
  }

  async search(
    text: string,
    filter: {
      readonly limit: number;
      readonly agentId?: string | undefined;
      readonly keys?: readonly string[] | undefined;
    },
  ): Promise<{ hits: SearchHit[]; truncated: boolean }> {
    const { limit } = filter;
    const { steps, truncated } = await this.#run((db) => query.searchSteps(db, filter));
    const hits: SearchHit[] = [];
    for (const step of steps) {
      const room = limit - hits.length;
      if (room <= 0) break;
      hits.push(...(await this.#run((db) => query.searchStep(db, text, step, room))));
    }
    return { hits, truncated: truncated || hits.length >= limit };
  }
}
