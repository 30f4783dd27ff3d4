import { concat } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { MAX_UNSENT } from "../limits.ts";
import type { Message, Usage } from "../message.ts";
import type { Lease, Store, WorkKind } from "../store.ts";
import type {
  NewWebhook,
  NewWebhookWork,
  WebhookAnswer,
  WebhookDetail,
  WebhookFilter,
  WebhookLogLimits,
  WebhookRow,
  WebhookStats,
} from "../webhook.ts";
import type { Committer } from "./committer.ts";
import { SqliteCron } from "./cron.ts";
import type { Db } from "./db.ts";
import { SqliteDevices } from "./devices.ts";
import { getFact, setFact } from "./facts.ts";
import * as inbox from "./inbox.ts";
import { nextDue, type Queue } from "./lanes.ts";
import * as outbox from "./outbox.ts";
import { SqliteResponses } from "./responses.ts";
import { prune, PRUNE_EVERY_ROWS } from "./retention.ts";
import { SqliteRuns } from "./run-store.ts";
import { endAllHeard } from "./runs.ts";
import { SqliteSessions } from "./session-store.ts";
import { append, history, rowsOf } from "./sessions.ts";
import { SqliteUsage } from "./usage-store.ts";
import { WebhookLog } from "./webhook-log.ts";
import * as query from "./webhook-queries.ts";
import { dismissWebhook, setAnswer } from "./webhooks.ts";
import type {
  NewOutboxItem,
  OutboxItem,
  SessionEntry,
  StoredMessage,
  InboxItem,
  NewInboxItem,
} from "../entry.ts";

/** How long to wait while a queue is full: about what a few turns, or a few pieces, take. */
const FULL_RETRY_MS = 10_000;

/** Of a body, read at once: some 5 ms. */
const READ_BYTES = 1024 * 1024;

interface SqliteStoreParts {
  readonly now: () => number;
  readonly lease: Lease;
  /** Rows of each queue that have not ended. */
  readonly backlogs: Readonly<Record<Queue, number>>;
  /** Number of the next body of a webhook. */
  readonly nextBody: number;
  /** Asked for each time: they may change. */
  readonly logLimits: () => WebhookLogLimits;
  /** Called once, after the last commit. */
  readonly close: () => void;
}

/** The port, in SQL. What a method does is in the file of its table; here is who calls it and when. */
export class SqliteStore implements Store {
  readonly lease: Lease;
  readonly sessions: SqliteSessions;
  readonly runs: SqliteRuns;
  readonly cron: SqliteCron;
  readonly responses: SqliteResponses;
  readonly devices: SqliteDevices;
  readonly usage: SqliteUsage;
  readonly #committer: Committer;
  readonly #now: () => number;
  readonly #close: () => void;
  /** Counted along: counting the rows for every item would cost more than keeping it. */
  readonly #backlogs: Record<Queue, number>;
  readonly #webhooks: WebhookLog;
  readonly #logLimits: () => WebhookLogLimits;
  #rowsSincePrune = 0;
  #closed: Promise<void> | undefined;

  constructor(committer: Committer, parts: SqliteStoreParts) {
    const { now, lease, backlogs, nextBody, logLimits, close } = parts;
    this.lease = lease;
    this.cron = new SqliteCron(committer);
    this.responses = new SqliteResponses(committer);
    this.devices = new SqliteDevices(committer);
    this.#committer = committer;
    this.#now = now;
    this.#backlogs = { ...backlogs };
    this.#close = close;
    this.#logLimits = logLimits;
    this.#webhooks = new WebhookLog(committer, { now, limits: logLimits, nextBody });
    const run = <T>(work: (db: Db) => T): Promise<T> => committer.run(work);
    const write = <T>(rows: number, work: (db: Db) => T): Promise<T> => this.#write(rows, work);
    this.usage = new SqliteUsage(run, write);
    this.sessions = new SqliteSessions(run, write, (calls) => this.usage.count(calls));
    this.runs = new SqliteRuns({
      run,
      write,
      now,
      takeIn: (work) => this.#admit(1, work, ({ fresh }) => (fresh ? 1 : 0)),
      onEnd: (queued, calls, items = 1) => {
        this.usage.count(calls);
        this.#backlogs.inbox -= items;
        this.#backlogs.outbox += queued;
      },
    });
  }

  keep(items: readonly NewInboxItem[]): Promise<string[]> {
    return this.#takeIn(items, () => this.#write(items.length, (db) => inbox.keep(db, items)));
  }

  async keepWebhook(
    webhook: NewWebhook,
    work: readonly NewWebhookWork[],
  ): Promise<{ fresh: string[] }> {
    const rows = 1 + work.length + webhook.ignored.length;
    const fresh = await this.#takeIn(work, () =>
      this.#webhooks.keep(webhook, work, (keep) => this.#write(rows, keep)),
    );
    return { fresh };
  }

  webhooks(filter: WebhookFilter): Promise<WebhookRow[]> {
    return this.#committer.run((db) => query.webhooks(db, filter));
  }

  webhook(id: string): Promise<WebhookDetail | undefined> {
    return this.#committer.run((db) => query.webhook(db, id));
  }

  async webhookBody(
    id: string,
    offset: number,
    limit: number,
  ): Promise<{ bytes: Uint8Array<ArrayBuffer>; total: number } | undefined> {
    const read = (from: number, most: number) =>
      this.#committer.run((db) => query.webhookBody(db, id, from, Math.min(most, READ_BYTES)));
    const first = await read(offset, limit);
    const parts = first === undefined ? [] : [first.bytes];
    // Of a long one so much at a time: others have work to do in between.
    for (
      let at = READ_BYTES;
      parts.at(-1)?.byteLength === READ_BYTES && at < limit;
      at += READ_BYTES
    ) {
      const next = await read(offset + at, limit - at);
      // Dropped from the log while it was read.
      if (next === undefined) return undefined;
      parts.push(next.bytes);
    }
    return first && { bytes: concat(parts), total: first.total };
  }

  webhookStats(): Promise<WebhookStats[]> {
    return this.#committer.run((db) => query.webhookStats(db));
  }

  dismissWebhook(id: string): Promise<boolean> {
    return this.#committer.run((db) => dismissWebhook(db, id));
  }

  /** Makes room in the inbox for `items`; `keep` tells which of them, perhaps among others, were new. */
  #takeIn(items: readonly NewInboxItem[], keep: () => Promise<string[]>): Promise<string[]> {
    return this.#admit(items.length, keep, (fresh) => {
      const taken = new Set(items.map(({ id }) => id));
      return taken.intersection(new Set(fresh)).size;
    });
  }

  /** Makes room in the inbox for what arrives; `taken` tells how many of it were new. */
  async #admit<T>(
    arriving: number,
    keep: () => Promise<T>,
    taken: (kept: T) => number,
  ): Promise<T> {
    if (this.#backlogs.inbox + arriving > LIMITS.maxSpoolItems) {
      throw new GatewayError("overloaded", "The inbox is full", { retryAfterMs: FULL_RETRY_MS });
    }
    // They hold their room until it is known how many were new.
    this.#backlogs.inbox += arriving;
    let count = 0;
    try {
      const kept = await keep();
      count = taken(kept);
      return kept;
    } finally {
      this.#backlogs.inbox -= arriving - count;
    }
  }

  take(limit: number, now: number, kind: WorkKind = "turn"): Promise<InboxItem[]> {
    // What is posted on leaves no reply behind.
    const waits = (): boolean => kind === "turn" && this.#isCongested;
    return this.#committer.run((db) => (waits() ? [] : inbox.take(db, limit, now, kind)));
  }

  behind(id: string, limit: number): Promise<InboxItem[]> {
    return this.#committer.run((db) => inbox.behind(db, id, limit));
  }

  async finish(
    id: string,
    reply: readonly NewOutboxItem[],
    entry?: SessionEntry,
    answer?: WebhookAnswer,
  ): Promise<void> {
    const rows = reply.length + (entry === undefined ? 0 : rowsOf(entry));
    const [queued, heard] = await this.#write(rows, (db) => {
      // Before the lane goes on: they are no longer in it.
      const ended = endAllHeard(db, entry, this.#now());
      const webhook = inbox.finish(db, id, this.#now(), entry?.sessionKey);
      if (entry !== undefined) append(db, entry);
      if (answer !== undefined) setAnswer(db, webhook, answer);
      return [outbox.queueReply(db, reply, webhook), ended] as const;
    });
    this.usage.count(entry?.calls);
    this.#backlogs.inbox -= 1 + heard;
    this.#backlogs.outbox += queued;
  }

  retry(id: string, notBefore: number, reason: string): Promise<void> {
    return this.#committer.run((db) => inbox.retry(db, id, notBefore, reason));
  }

  async bury(id: string, reason: string): Promise<void> {
    await this.#committer.run((db) => inbox.bury(db, id, reason, this.#now()));
    this.#backlogs.inbox -= 1;
  }

  nextDue(kind: WorkKind = "turn"): Promise<number | undefined> {
    return this.#committer.run((db) => {
      const due = nextDue(db, "inbox", kind);
      if (due === undefined || kind === "forward" || !this.#isCongested) return due;
      return Math.max(due, this.#now() + FULL_RETRY_MS);
    });
  }

  async queue(pieces: readonly NewOutboxItem[]): Promise<number> {
    const queued = await this.#write(pieces.length, (db) => outbox.queueReply(db, pieces));
    this.#backlogs.outbox += queued;
    return queued;
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
        prune(db, this.#now(), this.#logLimits().maxAgeMs);
      }
      return work(db);
    });
  }
}
