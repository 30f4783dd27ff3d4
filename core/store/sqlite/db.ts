import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";

/** What is bound to the `:names` of a statement. A value never becomes part of its text. */
export type Values = Readonly<Record<string, SQLInputValue>>;
export type Row = Readonly<Record<string, SQLOutputValue>>;

/**
 * The database, one whole statement at a time. Every call runs at once, on this thread: nothing
 * comes between two calls that no `await` stands between.
 *
 * Statements are constants, written so that PostgreSQL would take them as well: the standard and
 * `on conflict`, `returning`, `limit`.
 */
export interface Db {
  run(statement: string, values?: Values): void;
  /** Undefined when there is no row. */
  first(statement: string, values?: Values): Row | undefined;
  all(statement: string, values?: Values): Row[];
  readonly inTransaction: boolean;
}

/** Prepares each statement when it is first needed, and keeps it: there are about thirty. */
export function prepared(database: DatabaseSync): Db {
  const statements = new Map<string, StatementSync>();
  const prepare = (text: string): StatementSync => {
    const known = statements.get(text);
    if (known !== undefined) return known;
    const fresh = database.prepare(text);
    statements.set(text, fresh);
    return fresh;
  };
  return {
    run: (text, values = {}) => void prepare(text).run(values),
    first: (text, values = {}) => prepare(text).get(values),
    all: (text, values = {}) => prepare(text).all(values),
    get inTransaction() {
      return database.isTransaction;
    },
  };
}

/** A column that is text. The tables are strict: anything else is a slip in a statement of ours. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`column ${column} holds no text`);
  return value;
}

/** A column that is a whole number. */
export function integerOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw new TypeError(`column ${column} holds no number`);
  return value;
}

/** The same where there may be none. */
export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column);
}

/** The same where there may be none. */
export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integerOf(row, column);
}

/** A column that holds bytes. */
export function bytesOf(row: Row, column: string): Uint8Array<ArrayBuffer> {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw new TypeError(`column ${column} holds no bytes`);
  return new Uint8Array(value);
}
