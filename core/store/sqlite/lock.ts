import { chmodSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { GatewayError } from "../../../shared/errors.ts";
import { isBusy } from "./sqlite-error.ts";

/** How long to wait for a gateway that is just stopping. */
export const BUSY_TIMEOUT_MS = 250;

/**
 * Opens the file for this process alone, until it is closed or the process ends.
 *
 * The exclusive mode comes before the write-ahead log: SQLite then keeps the log's index in its own
 * memory instead of a shared file, which network file systems cannot offer.
 * Source: https://sqlite.org/wal.html#noshm
 *
 * @throws GatewayError `conflict` when another process has it.
 */
export function openExclusive(file: string, pidFile: string, busyTimeoutMs: number): DatabaseSync {
  createPrivate(file);
  const db = new DatabaseSync(file, { timeout: busyTimeoutMs });
  try {
    db.exec("pragma locking_mode = exclusive");
    db.exec("pragma journal_mode = wal");
    // A commit must outlive the machine, not only the process.
    db.exec("pragma synchronous = full");
    db.exec("pragma temp_store = memory");
    // The lock is taken by the first write and then kept.
    db.exec("begin immediate; commit");
    writeFileSync(pidFile, `${process.pid} on ${hostname()}\n`, { mode: 0o600 });
    return db;
  } catch (error) {
    db.close();
    if (!isBusy(error)) throw error;
    throw new GatewayError(
      "conflict",
      `Another gateway${holder(pidFile)} is using ${file}: stop it, or set OPENCLAW_STATE_DIR to another folder, or let this one stand by for it (--standby, or sallyport.core.mode "standby")`,
      { cause: error },
    );
  }
}

export function forgetHolder(pidFile: string): void {
  rmSync(pidFile, { force: true });
}

/** Never opens an existing file: closing it again would drop the locks this process has on it. */
function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    chmodSync(file, 0o600);
  }
}

/** For the message only: the lock is SQLite's, this file may be left over from a crash. */
function holder(pidFile: string): string {
  try {
    const match = /^(?<pid>\d+) on (?<host>[\w.-]+)$/.exec(readFileSync(pidFile, "utf8").trim());
    return match === null ? "" : ` (pid ${match.groups?.["pid"]} on ${match.groups?.["host"]})`;
  } catch {
    return ""; // the message is good without it
  }
}
