import { setImmediate } from "node:timers/promises";
import { GatewayError } from "../../../shared/errors.ts";
import type { Db } from "./db.ts";

/** Jobs that may wait: about a second's worth on a slow disk. More, and the callers must slow down. */
const MAX_WAITING = 10_000;
/** Jobs in one transaction: bounds how long the thread is busy between two looks at its sockets. */
const MAX_BATCH = 128;

interface Job {
  /** Does the work and returns what is left to do once it is committed: to tell the caller. */
  attempt(db: Db): () => void;
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
   * @throws GatewayError `overloaded` when too many jobs wait, `core_draining` once closed.
   */
  run<T>(work: (db: Db) => T): Promise<T> {
    if (this.#closed)
      return Promise.reject(new GatewayError("core_draining", "The store is closed"));
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new GatewayError("overloaded", "The disk is too slow for the load"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({
      attempt(db) {
        const value = work(db);
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
      this.#commit(this.#waiting.splice(0, MAX_BATCH));
    }
    this.#running = undefined;
  }

  #commit(batch: readonly Job[]): void {
    let settled: (() => void)[];
    try {
      this.#db.run("begin");
      settled = batch.map((job) => this.#attempt(job));
      this.#db.run("commit");
    } catch (error) {
      this.#rollBack();
      const reason = this.#explain(error);
      for (const job of batch) job.reject(reason);
      return;
    }
    for (const tell of settled) tell();
  }

  #attempt(job: Job): () => void {
    this.#db.run("savepoint job");
    try {
      const settle = job.attempt(this.#db);
      this.#db.run("release savepoint job");
      return settle;
    } catch (error) {
      // After a fault of the disk the whole transaction is gone already, its savepoints too.
      if (!this.#db.inTransaction) throw error;
      this.#db.run("rollback to savepoint job");
      this.#db.run("release savepoint job");
      return () => job.reject(this.#explain(error));
    }
  }

  #rollBack(): void {
    if (!this.#db.inTransaction) return;
    try {
      this.#db.run("rollback");
    } catch {
      // The jobs are told what failed first; whatever this is, the next `begin` meets it again.
    }
  }
}
