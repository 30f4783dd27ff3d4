import { join } from "node:path";
import { LOG_LIMITS } from "../limits.ts";
import type { Store } from "../store.ts";
import type { WebhookLogLimits } from "../webhook.ts";
import { dropStaged, nextBody } from "./bodies.ts";
import { Committer } from "./committer.ts";
import { prepared } from "./db.ts";
import { recover } from "./inbox.ts";
import { backlog } from "./lanes.ts";
import { inodeOf, takeLease } from "./lease.ts";
import { BUSY_TIMEOUT_MS, forgetHolder, openExclusive } from "./lock.ts";
import { migrate } from "./migrations.ts";
import { recoverOutbox } from "./outbox.ts";
import { prune } from "./retention.ts";
import { explain } from "./sqlite-error.ts";
import { SqliteStore } from "./store.ts";
import { recoverWebhooks } from "./webhook-state.ts";

export interface SqliteOptions {
  /** Existing folder that only we write to. */
  readonly stateDir: string;
  /** Unix ms; decides how long ended things are kept, nothing else. */
  readonly now: () => number;
  /** How long the thread may wait for a gateway that is just stopping. */
  readonly busyTimeoutMs?: number;
  /** How much of the log of webhooks is kept, asked for each time; absent: as `LOG_LIMITS` says. */
  readonly logLimits?: (() => WebhookLogLimits) | undefined;
}

/**
 * Opens the state in `<stateDir>/sallyport.sqlite`, creating it on first use, and holds it alone:
 * one gateway per state folder. Work that a killed process left is waiting again.
 *
 * @throws GatewayError `conflict` when another gateway has it, `version_unsupported` when a newer
 *   one wrote it, `forbidden` or `invalid_request` when the file cannot be used.
 */
export async function openSqliteStore({
  stateDir,
  now,
  busyTimeoutMs = BUSY_TIMEOUT_MS,
  logLimits = () => LOG_LIMITS,
}: SqliteOptions): Promise<Store> {
  const file = join(stateDir, "sallyport.sqlite");
  const pidFile = join(stateDir, "gateway.pid");
  try {
    const database = openExclusive(file, pidFile, busyTimeoutMs);
    try {
      migrate(database, file);
      const committer = new Committer(prepared(database), (error) => explain(error, file));
      const inode = inodeOf(file);
      const found = await committer.run((db) => {
        const lease = takeLease(db, inode);
        recover(db);
        recoverOutbox(db, now());
        recoverWebhooks(db);
        dropStaged(db);
        prune(db, now(), logLimits().maxAgeMs);
        const backlogs = { inbox: backlog(db, "inbox"), outbox: backlog(db, "outbox") };
        return { lease, backlogs, nextBody: nextBody(db) };
      });
      return new SqliteStore(committer, {
        now,
        logLimits,
        ...found,
        close() {
          database.close();
          forgetHolder(pidFile);
        },
      });
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw explain(error, file);
  }
}
