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
import type { SessionEntry } from "../store.ts";
import type { Db } from "./db.ts";
import * as change from "./session-changes.ts";
import * as query from "./session-queries.ts";
import { append, opening } from "./sessions.ts";

/** Runs a job of the committer. */
export type Run = <T>(work: (db: Db) => T) => Promise<T>;
/** The same for one that adds so many rows to tables that only grow. */
export type Write = <T>(rows: number, work: (db: Db) => T) => Promise<T>;

/** The port, in SQL: see the files of queries and changes. */
export class SqliteSessions implements SessionStore {
  readonly #run: Run;
  readonly #write: Write;

  constructor(run: Run, write: Write) {
    this.#run = run;
    this.#write = write;
  }

  opening(key: string, limit: number): Promise<SessionOpening> {
    return this.#run((db) => opening(db, key, limit));
  }

  add(entry: SessionEntry): Promise<void> {
    return this.#write(entry.messages.length + 1, (db) => append(db, entry));
  }

  find(key: string): Promise<SessionInfo | undefined> {
    return this.#run((db) => change.findSession(db, key));
  }

  list(filter: SessionFilter): Promise<{ sessions: SessionInfo[]; total: number }> {
    return this.#run((db) => query.listSessions(db, filter));
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

  search(
    text: string,
    filter: {
      readonly limit: number;
      readonly agentId?: string | undefined;
      readonly keys?: readonly string[] | undefined;
    },
  ): Promise<{ hits: SearchHit[]; truncated: boolean }> {
    return this.#run((db) => query.searchSessions(db, text, filter));
  }
}
