import { join } from "node:path";
import { Kysely } from "kysely";
import type { Store } from "../store.ts";
import { Committer } from "./committer.ts";
import { nodeSqliteDialect } from "./dialect.ts";
import { backlog, recover } from "./inbox.ts";
import { forgetHolder, openExclusive } from "./lock.ts";
import { migrate } from "./migrations.ts";
import { recoverOutbox } from "./outbox.ts";
import { prune } from "./retention.ts";
import { explain } from "./sqlite-error.ts";
import { SqliteStore } from "./store.ts";
import type { Tables } from "./tables.ts";

export interface SqliteOptions {
  /** Existing folder that only we write to. */
  readonly stateDir: string;
  /** Unix ms; decides how long ended things are kept, nothing else. */
  readonly now: () => number;
}

/**
 * Opens the state in `<stateDir>/sallyport.sqlite`, creating it on first use, and holds it alone:
 * one gateway per state folder. Work that a killed process left is waiting again.
 *
 * @throws GatewayError `conflict` when another gateway has it, `version_unsupported` when a newer
 *   one wrote it, `forbidden` or `invalid_request` when the file cannot be used.
 */
export async function openSqliteStore({ stateDir, now }: SqliteOptions): Promise<Store> {
  const file = join(stateDir, "sallyport.sqlite");
  const pidFile = join(stateDir, "gateway.pid");
  try {
    const database = openExclusive(file, pidFile);
    try {
      migrate(database, file);
    } catch (error) {
      database.close();
      throw error;
    }
    const db = new Kysely<Tables>({ dialect: nodeSqliteDialect(database) });
    const committer = new Committer(db, (error) => explain(error, file));
    const waiting = await committer.run(async (transaction) => {
      await recover(transaction);
      await recoverOutbox(transaction, now());
      await prune(transaction, now());
      return backlog(transaction);
    });
    return new SqliteStore(committer, {
      now,
      waiting,
      async close() {
        await db.destroy();
        forgetHolder(pidFile);
      },
    });
  } catch (error) {
    throw explain(error, file);
  }
}
