import { statSync } from "node:fs";
import { randomToken } from "../../../shared/bytes.ts";
import type { Lease } from "../store.ts";
import { type Db, integerOf, textOf } from "./db.ts";

/**
 * A file that is not the one the row was written to is a copy: it goes on under a name of its own.
 * The inode alone tells them apart. The device's number is not asked: it changes with every mount
 * of a network file system, and two machines that share one would never agree on it.
 */
const TAKE = `
  insert into lease (id, store, inode, epoch) values (1, :store, :inode, 1)
  on conflict (id) do update set
    epoch = lease.epoch + 1,
    store = case when lease.inode = excluded.inode then lease.store else excluded.store end,
    inode = excluded.inode
  returning store, epoch`;

/**
 * Writes down that this process has the writer lock now.
 *
 * @param inode - Of the file that `db` is.
 */
export function takeLease(db: Db, inode: string): Lease {
  const row = db.first(TAKE, { store: randomToken(), inode });
  if (row === undefined) throw new TypeError("taking the lease returned no row");
  return { store: textOf(row, "store"), epoch: integerOf(row, "epoch") };
}

/** Looks at the file without opening it: closing it again would drop the locks we have on it. */
export function inodeOf(file: string): string {
  return String(statSync(file, { bigint: true }).ino);
}
