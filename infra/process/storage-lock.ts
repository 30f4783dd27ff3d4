import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";

/** A host that lost its launcher needs a moment to end; only then is the storage free. */
const PATIENCE_MS = 2_000;
const POLL_MS = 50;

/** SQLite's `SQLITE_BUSY`. Source: https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/**
 * Makes this process the only one that uses `storageDir`: two runtimes on the same Durable Object
 * storage would lose each other's writes.
 *
 * The lock is an open transaction on a database of its own, so the operating system releases it
 * with the process, however that ends.
 *
 * @returns undefined when another process has it.
 */
export async function lockStorage(storageDir: string): Promise<Disposable | undefined> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const lock = tryLock(join(storageDir, "lock.sqlite"));
    if (lock !== undefined || Date.now() >= deadline) return lock;
    await delay(POLL_MS);
  }
}

function tryLock(path: string): Disposable | undefined {
  const database = new DatabaseSync(path);
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) {
      return undefined;
    }
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}
