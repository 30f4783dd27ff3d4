import { GatewayError } from "../../../shared/errors.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { MAX_UNSENT } from "../limits.ts";
import type { Message, Usage } from "../message.ts";
import type {
  InboxItem,
  Lease,
  NewInboxItem,
  NewOutboxItem,
  OutboxItem,
  SessionEntry,
  Store,
  StoredMessage,
} from "../store.ts";
import type { Committer } from "./committer.ts";
import type { Db } from "./db.ts";
import { getFact, setFact } from "./facts.ts";
import * as inbox from "./inbox.ts";
import { nextDue, type Queue } from "./lanes.ts";
import * as outbox from "./outbox.ts";
import { prune, PRUNE_EVERY_ROWS } from "./retention.ts";
import { append, history } from "./sessions.ts";

/** How long to wait while a queue is full: about what a few turns, or a few pieces, take. */
const FULL_RETRY_MS = 10_000;

interface SqliteStoreParts {
  readonly now: () => number;
  readonly lease: Lease;
  /** Rows of each queue that have not ended. */
  readonly backlogs: Readonly<Record<Queue, number>>;
  /** Called once, after the last commit. */
  readonly close: () => void;
}

/** The port, in SQL. What a method does is in the file of its table; here is who calls it and when. */
export class SqliteStore implements Store {
  readonly lease: Lease;
  readonly #committer: Committer;
  readonly #now: () => number;
  readonly #close: () => void;
  /** Counted along: counting the rows for every item would cost more than keeping it. */
  readonly #backlogs: Record<Queue, number>;
  #rowsSincePrune = 0;
  #closed: Promise<void> | undefined;

  constructor(committer: Committer, { now, lease, backlogs, close }: SqliteStoreParts) {
    this.lease = lease;
    this.#committer = committer;
    this.#now = now;
    this.#backlogs = { ...backlogs };
    this.#close = close;
  }

  async keep(items: readonly NewInboxItem[]): Promise<string[]> {
    const arriving = items.length;
    if (this.#backlogs.inbox + arriving > LIMITS.maxSpoolItems) {
      throw new GatewayError("overloaded", "The inbox is full", { retryAfterMs: FULL_RETRY_MS });
    }
    // They hold their room until it is known how many were new.
    this.#backlogs.inbox += arriving;
    let fresh: string[] = [];
    try {
      fresh = await this.#write(arriving, (db) => inbox.keep(db, items));
      return fresh;
    } finally {
      this.#backlogs.inbox -= arriving - fresh.length;
    }
  }

  take(limit: number, now: number): Promise<InboxItem[]> {
    return this.#committer.run((db) => (this.#isCongested ? [] : inbox.take(db, limit, now)));
  }

  async finish(id: string, reply: readonly NewOutboxItem[], entry?: SessionEntry): Promise<void> {
    const rows = reply.length + (entry === undefined ? 0 : entry.messages.length + 1);
    const queued = await this.#write(rows, (db) => {
      inbox.finish(db, id, this.#now());
      if (entry !== undefined) append(db, entry);
      return outbox.queueReply(db, reply);
    });
    this.#backlogs.inbox -= 1;
    this.#backlogs.outbox += queued;
  }

  retry(id: string, notBefore: number, reason: string): Promise<void> {
    return this.#committer.run((db) => inbox.retry(db, id, notBefore, reason));
  }

  async bury(id: string, reason: string): Promise<void> {
    await this.#committer.run((db) => inbox.bury(db, id, reason, this.#now()));
    this.#backlogs.inbox -= 1;
  }

  nextDue(): Promise<number | undefined> {
    return this.#committer.run((db) => {
      const due = nextDue(db, "inbox");
      if (due === undefined || !this.#isCongested) return due;
      return Math.max(due, this.#now() + FULL_RETRY_MS);
    });
  }

  unsent(limit: number, now: number): Promise<OutboxItem[]> {
    return this.#committer.run((db) => outbox.unsent(db, limit, now));
  }

  markSending(id: string): Promise<void> {
    return this.#committer.run((db) => outbox.markSending(db, id));
  }

  async markSent(id: string, platformId: string): Promise<void> {
    await this.#committer.run((db) => outbox.markSent(db, id, platformId, this.#now()));
    this.#backlogs.outbox -= 1;
  }

  markUnsent(id: string, notBefore: number, reason: string): Promise<void> {
    return this.#committer.run((db) => outbox.markUnsent(db, id, notBefore, reason));
  }

  async markLost(id: string, reason: string): Promise<void> {
    await this.#committer.run((db) => outbox.markLost(db, id, reason, this.#now()));
    this.#backlogs.outbox -= 1;
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
    const entry = { sessionKey, messages, usage, at: now };
    return this.#write(messages.length + 1, (db) => append(db, entry));
  }

  history(sessionKey: string, limit: number): Promise<StoredMessage[]> {
    return this.#committer.run((db) => history(db, sessionKey, limit));
  }

  get(key: string): Promise<string | undefined> {
    return this.#committer.run((db) => getFact(db, key));
  }

  set(key: string, value: string): Promise<void> {
    return this.#committer.run((db) => setFact(db, key, value));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#committer.close().then(this.#close);
    return this.#closed;
  }

  /** More replies wait to be sent than new ones should join. */
  get #isCongested(): boolean {
    return this.#backlogs.outbox >= MAX_UNSENT;
  }

  /** Adds `rows` to tables that only ever grow, and now and then deletes what is old in them. */
  #write<T>(rows: number, work: (db: Db) => T): Promise<T> {
    return this.#committer.run((db) => {
      this.#rowsSincePrune += rows;
      if (this.#rowsSincePrune >= PRUNE_EVERY_ROWS) {
        this.#rowsSincePrune = 0;
        prune(db, this.#now());
      }
      return work(db);
    });
  }
}
