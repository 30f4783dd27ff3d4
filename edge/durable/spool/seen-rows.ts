import type { SeenBatch, SeenRows } from "./seen.ts";

/** Batches of ids in the relay's SQLite, a row each. */
export function seenRows(sql: SqlStorage): SeenRows {
  sql.exec(
    "CREATE TABLE IF NOT EXISTS seen (place INTEGER PRIMARY KEY, number INTEGER, at INTEGER, keys BLOB)",
  );
  return {
    *read(): Generator<SeenBatch> {
      const rows = sql.exec<{ number: number; at: number; keys: ArrayBuffer }>(
        "SELECT number, at, keys FROM seen",
      );
      for (const { number, at, keys } of rows) yield { number, at, keys: new Uint8Array(keys) };
    },
    write(place, { number, at, keys }) {
      sql.exec(
        `INSERT INTO seen (place, number, at, keys) VALUES (?, ?, ?, ?)
         ON CONFLICT (place) DO UPDATE SET number = excluded.number, at = excluded.at,
           keys = excluded.keys`,
        place,
        number,
        at,
        keys.slice().buffer,
      );
    },
  };
}
