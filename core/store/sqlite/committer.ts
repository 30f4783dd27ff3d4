import { setImmediate } from "node:timers/promises";
import { sql } from "kysely";
import { GatewayError } from "../../../shared/errors.ts";
import type { Db } from "./tables.ts";

/** Jobs that may wait: about a second's worth on a slow disk. More, and the callers must slow down. */
const MAX_WAITING = 10_000;
/** Jobs in one transaction: bounds how long the thread is busy between two looks at its sockets. */
const MAX_BATCH = 128;

interface Job {
  /** Does the work and returns what is left to do once it is committed: to tell the caller. */
  attempt(db: Db): Promise<() => void>;
  reject(error: unknown): void;
}

/**
 * Gives every job its own place in a transaction, and all jobs of one turn of the event loop the
 * same transaction: one wait for the disk instead of one for each. A job that fails undoes itself
 * alone; when the commit fails, all have failed.
 */
export class Committer {
  readonly #db: Db;
  readonly #explain: (error: unknown) => unknown;
  #waiting: Job[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  /** @param explain - Translates an error of the database before a caller sees it. */
  constructor(db: Db, explain: (error: unknown) => unknown) {
    this.#db = db;
    this.#explain = explain;
  }

  /**
   * Resolves once what `work` did is on the disk.
   *
   * @param work - Must await nothing but the database it is given.
   * @throws GatewayError `overloaded` when too many jobs wait, `core_draining` once closed.
   */
  run<T>(work: (db: Db) => Promise<T>): Promise<T> {
    if (this.#closed)
      return Promise.reject(new GatewayError("core_draining", "The store is closed"));
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new GatewayError("overloaded", "The disk is too slow for the load"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({
      async attempt(db) {
        const value = await work(db);
        return () => resolve(value);
      },
      reject,
    });
    this.#running ??= this.#drain();
    return promise;
  }

  /** Commits what waits and takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  /** Never rejects: each job learns of its own failure. */
  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Whatever else this turn of the event loop still has to store comes along.
      await setImmediate();
      await this.#commit(this.#waiting.splice(0, MAX_BATCH));
    }
    this.#running = undefined;
  }

  async #commit(batch: readonly Job[]): Promise<void> {
    try {
      const settle = await this.#db.transaction().execute(async (transaction) => {
        const settled: (() => void)[] = [];
        for (const job of batch) settled.push(await this.#attempt(job, transaction));
        return settled;
      });
      for (const tell of settle) tell();
    } catch (error) {
      const reason = this.#explain(error);
      for (const job of batch) job.reject(reason);
    }
  }

  async #attempt(job: Job, transaction: Db): Promise<() => void> {
    await sql`savepoint job`.execute(transaction);
    try {
      const settle = await job.attempt(transaction);
      await sql`release job`.execute(transaction);
      return settle;
    } catch (error) {
      // After a fault of the disk the whole transaction is gone already, its savepoints too.
      await sql`rollback to job`.execute(transaction).catch(() => {
        throw error;
      });
      await sql`release job`.execute(transaction);
      return () => job.reject(this.#explain(error));
    }
  }
}
