import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { SqliteDialect, type SqliteDatabase, type SqliteStatement } from "kysely";

/** Prepared statements kept for reuse. The store has about 30 texts; the rest is room for variants. */
const MAX_STATEMENTS = 128;

/**
 * Lets Kysely speak to `node:sqlite`. Every call runs at once, on this thread: a transaction whose
 * steps await nothing but the database is never interrupted by other work.
 */
export function nodeSqliteDialect(db: DatabaseSync): SqliteDialect {
  return new SqliteDialect({ database: adapt(db) });
}

function adapt(db: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  return {
    close: () => db.close(),

    prepare(text) {
      // SQLite has already rolled back when a commit failed for lack of space; a second rollback
      // would be an error of its own and hide that one.
      if (text === "rollback" && !db.isTransaction) return NOTHING;
      const known = statements.get(text);
      if (known !== undefined) return known;
      const oldest = statements.size < MAX_STATEMENTS ? undefined : statements.keys().next().value;
      if (oldest !== undefined) statements.delete(oldest);
      const fresh = adaptStatement(db.prepare(text));
      statements.set(text, fresh);
      return fresh;
    },
  };
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...parameters.map(toInput)),
    run: (parameters) => statement.run(...parameters.map(toInput)),
    iterate: (parameters) => statement.iterate(...parameters.map(toInput)),
  };
}

const NOTHING: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [].values(),
};

function toInput(value: unknown): SQLInputValue {
  if (typeof value === "string" || typeof value === "number" || value === null) return value;
  throw new TypeError(`cannot store a ${typeof value}`);
}
