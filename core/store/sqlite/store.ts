import { GatewayError } from "../../../shared/errors.ts";
import { LIMITS } from "../../../shared/limits.ts";
import type { Message, Usage } from "../message.ts";
import type {
  InboxItem,
  NewInboxItem,
  OutboxItem,
  SessionEntry,
  Store,
  StoredMessage,
} from "../store.ts";
import type { Committer } from "./committer.ts";
import * as inbox from "./inbox.ts";
import { nextDue } from "./lanes.ts";
import * as outbox from "./outbox.ts";
import { prune } from "./retention.ts";
import { append, history } from "./sessions.ts";
import type { Db } from "./tables.ts";

/** How many items may be taken in between two looks at the whole: at what is old, and how much waits. */
const HOUSEKEEPING_EVERY = 1_000;
/** How long a sender should wait when the inbox is full: about what a few turns take. */
const FULL_RETRY_MS = 10_000;

/** The port, in SQL. What a method does is in the file of its table; here is who calls it and when. */
export class SqliteStore implements Store {
  readonly #committer: Committer;
  readonly #now: () => number;
  readonly #close: () => Promise<void>;
  #keptSinceHousekeeping = 0;
  #waiting: number;
  #closed: Promise<void> | undefined;

  /**
   * @param waiting - Items in the inbox that have not ended.
   * @param close - Called once, after the last commit.
   */
  constructor(
    committer: Committer,
    { now, waiting, close }: { now: () => number; waiting: number; close: () => Promise<void> },
  ) {
    this.#committer = committer;
    this.#now = now;
    this.#waiting = waiting;
    this.#close = close;
  }

  keep(items: readonly NewInboxItem[]): Promise<string[]> {
    return this.#committer.run(async (db) => {
      await this.#keepHouse(db, items.length);
      return inbox.keep(db, items);
    });
  }

  take(limit: number, now: number): Promise<InboxItem[]> {
    return this.#committer.run((db) => inbox.take(db, limit, now));
  }

  finish(id: string, reply: readonly OutboxItem[], entry?: SessionEntry): Promise<void> {
    return this.#committer.run(async (db) => {
      await inbox.finish(db, id, this.#now());
      await outbox.queueReply(db, reply);
      if (entry !== undefined) await append(db, entry);
    });
  }

  retry(id: string, notBefore: number, reason: string): Promise<void> {
    return this.#committer.run((db) => inbox.retry(db, id, notBefore, reason));
  }

  bury(id: string, reason: string): Promise<void> {
    return this.#committer.run((db) => inbox.bury(db, id, reason, this.#now()));
  }

  nextDue(): Promise<number | undefined> {
    return this.#committer.run((db) => nextDue(db, "inbox"));
  }

  unsent(limit: number, now: number): Promise<OutboxItem[]> {
    return this.#committer.run((db) => outbox.unsent(db, limit, now));
  }

  markSending(id: string): Promise<void> {
    return this.#committer.run((db) => outbox.markSending(db, id));
  }

  markSent(id: string, platformId: string): Promise<void> {
    return this.#committer.run((db) => outbox.markSent(db, id, platformId, this.#now()));
  }

  markUnsent(id: string, notBefore: number, reason: string): Promise<void> {
    return this.#committer.run((db) => outbox.markUnsent(db, id, notBefore, reason));
  }

  markLost(id: string, reason: string): Promise<void> {
    return this.#committer.run((db) => outbox.markLost(db, id, reason, this.#now()));
  }

  nextUnsent(): Promise<number | undefined> {
    return this.#committer.run((db) => nextDue(db, "outbox"));
  }

  append(
    sessionKey: string,
    messages: readonly Message[],
    usage: Usage,
    now: number,
  ): Promise<void> {
    return this.#committer.run((db) => append(db, { sessionKey, messages, usage, at: now }));
  }

  history(sessionKey: string, limit: number): Promise<StoredMessage[]> {
    return this.#committer.run((db) => history(db, sessionKey, limit));
  }

  get(key: string): Promise<string | undefined> {
    return this.#committer.run(async (db) => {
      const row = await db
        .selectFrom("fact")
        .select("value")
        .where("key", "=", key)
        .executeTakeFirst();
      return row?.value;
    });
  }

  set(key: string, value: string): Promise<void> {
    return this.#committer.run(async (db) => {
      await db
        .insertInto("fact")
        .values({ key, value })
        .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
        .execute();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#committer.close().then(this.#close);
    return this.#closed;
  }

  /** Counting the backlog for every item would cost more than keeping it: in between, it is estimated. */
  async #keepHouse(db: Db, arriving: number): Promise<void> {
    this.#keptSinceHousekeeping += arriving;
    this.#waiting += arriving;
    if (this.#keptSinceHousekeeping >= HOUSEKEEPING_EVERY) {
      this.#keptSinceHousekeeping = 0;
      await prune(db, this.#now());
      this.#waiting = (await inbox.backlog(db)) + arriving;
    }
    if (this.#waiting <= LIMITS.maxSpoolItems) return;
    this.#waiting = (await inbox.backlog(db)) + arriving;
    if (this.#waiting <= LIMITS.maxSpoolItems) return;
    throw new GatewayError("overloaded", "The inbox is full", { retryAfterMs: FULL_RETRY_MS });
  }
}
