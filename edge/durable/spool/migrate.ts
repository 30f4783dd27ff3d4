import { columnsOf, COLUMNS, ROW_DDL, type Storage, tableNames } from "./tables.ts";

/**
 * Makes the tables that are always there, and takes over what the version before has left: its
 * webhooks wait on where they are, in a table that looks like that of an hour long ago.
 */
export function migrate(storage: Storage): void {
  const { sql } = storage;
  sql.exec(`CREATE TABLE IF NOT EXISTS dead (${ROW_DDL},
    at INTEGER, reason TEXT, attempts INTEGER, body BLOB)`);
  sql.exec(`CREATE TABLE IF NOT EXISTS dead_chunk (seq INTEGER, part INTEGER, bytes BLOB,
    PRIMARY KEY (seq, part)) WITHOUT ROWID`);
  const names = new Set(tableNames(sql));
  if (!names.has("spool")) return;
  let free = 0;
  while (names.has(`q_${free}`)) free += 1;
  storage.transactionSync(() => {
    sql.exec(`INSERT OR REPLACE INTO dead (${COLUMNS}, at, reason, attempts, body)
      SELECT ${columnsOf(free)}, received_at, dead, attempts, body FROM spool
      WHERE dead IS NOT NULL`);
    sql.exec(`INSERT OR REPLACE INTO dead_chunk SELECT seq, part, bytes FROM spool_chunk
      WHERE seq IN (SELECT seq FROM spool WHERE dead IS NOT NULL)`);
    sql.exec(`ALTER TABLE spool RENAME TO q_${free}`);
    sql.exec(`ALTER TABLE spool_chunk RENAME TO c_${free}`);
  });
}
