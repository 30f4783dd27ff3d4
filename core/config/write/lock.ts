import { closeSync, openSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { GatewayError } from "../../../shared/errors.ts";

/** A write takes milliseconds; whoever needs longer is stuck. */
const PATIENCE_MS = 10_000;
const TRY_EVERY_MS = 15;
/** SQLITE_BUSY. */
const BUSY = 5;

/**
 * Does `work` while no other process, and nobody else in this one, does work under the same lock.
 * The lock is one of the operating system's, taken through SQLite: it ends with its process, however
 * that ends, so that there is none to be broken.
 *
 * @throws GatewayError `conflict` when it cannot be had.
 */
export async function underLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const { DatabaseSync } = await import("node:sqlite");
  createPrivate(file);
  const deadline = performance.now() + PATIENCE_MS;
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    while (!tryLock(db)) {
      if (performance.now() > deadline) {
        throw new GatewayError("conflict", `somebody else is writing (${file} is locked)`);
      }
      await pause(TRY_EVERY_MS);
    }
    return await work();
  } finally {
    db.close();
  }
}

function tryLock(db: { exec(sql: string): void }): boolean {
  try {
    db.exec("begin exclusive");
    return true;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === BUSY) return false;
    throw error;
  }
}

/** Never opens an existing file: closing it again would drop the locks this process has on it. */
function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}
