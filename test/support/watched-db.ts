import { DatabaseSync } from "node:sqlite";
import { type Db, prepared } from "../../core/store/sqlite/db.ts";
import { migrate } from "../../core/store/sqlite/migrations.ts";

export interface WatchedDb {
  readonly db: Db;
  /** The database itself, to be looked into or to be harmed. */
  readonly database: DatabaseSync;
  /** Every statement that ran, in order. */
  readonly statements: string[];
}

/** An empty state in memory. */
export function watchedDb(): WatchedDb {
  const database = new DatabaseSync(":memory:");
  migrate(database, "state");
  const inner = prepared(database);
  const statements: string[] = [];
  const db: Db = {
    run(statement, values) {
      statements.push(statement);
      inner.run(statement, values);
    },
    first(statement, values) {
      statements.push(statement);
      return inner.first(statement, values);
    },
    all(statement, values) {
      statements.push(statement);
      return inner.all(statement, values);
    },
    get inTransaction() {
      return inner.inTransaction;
    },
  };
  return { db, database, statements };
}
