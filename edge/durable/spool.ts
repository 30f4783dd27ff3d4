import * as z from "zod";
import { concat } from "../../shared/bytes.ts";
import { LIMITS } from "../../shared/limits.ts";

/** A webhook that waits for the core. */
export interface SpooledDelivery {
  /** Order of arrival over all lanes. */
  readonly seq: number;
  readonly id: string;
  readonly route: string;
  readonly lane: string;
  readonly receivedAt: number;
  readonly requestId: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly attempts: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

export type NewDelivery = Omit<SpooledDelivery, "seq" | "attempts">;

const Row = z.object({
  seq: z.number(),
  id: z.string(),
  route: z.string(),
  lane: z.string(),
  received_at: z.number(),
  request_id: z.string(),
  headers: z.string(),
  attempts: z.number(),
  chunks: z.number(),
  body: z.instanceof(ArrayBuffer),
});
const Headers = z.array(z.tuple([z.string(), z.string()]));
const Totals = z.object({ items: z.number(), bytes: z.number().nullable() });
const Due = z.object({ due: z.number().nullable() });

/**
 * Undelivered webhooks in the relay's SQLite.
 *
 * One row a webhook, keyed by arrival and without a second index: a row written is what the
 * platform bills. Bodies beyond its row limit go on in `spool_chunk`. The runtime holds back our
 * answer until what was written is on disk, so a 2xx that follows `add` is an honest one.
 */
export class Spool {
  readonly #storage: Pick<DurableObjectStorage, "sql" | "transactionSync">;
  readonly #sql: SqlStorage;
  #items: number;
  #bytes: number;

  constructor(storage: Pick<DurableObjectStorage, "sql" | "transactionSync">) {
    const { sql } = storage;
    this.#storage = storage;
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS spool (
      seq INTEGER PRIMARY KEY, id TEXT, route TEXT, lane TEXT, received_at INTEGER,
      request_id TEXT, headers TEXT, attempts INTEGER, next_at INTEGER, dead TEXT,
      size INTEGER, chunks INTEGER, body BLOB)`);
    sql.exec(`CREATE TABLE IF NOT EXISTS spool_chunk (
      seq INTEGER, part INTEGER, bytes BLOB, PRIMARY KEY (seq, part)) WITHOUT ROWID`);
    const totals = Totals.parse(
      sql.exec("SELECT count(*) AS items, sum(size) AS bytes FROM spool WHERE dead IS NULL").one(),
    );
    this.#items = totals.items;
    this.#bytes = totals.bytes ?? 0;
  }

  /** Webhooks that wait. */
  get items(): number {
    return this.#items;
  }

  /** Bytes of those. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @param notBefore - Unix ms before which the core will not have it.
   * @returns False when it is full: then the sender must keep it and come back.
   * @throws Error when it cannot be written; then none of it was.
   */
  add(delivery: NewDelivery, notBefore = 0): boolean {
    const headers = JSON.stringify(delivery.headers);
    const size = delivery.body.byteLength + headers.length;
    if (this.#items >= LIMITS.maxSpoolItems || this.#bytes + size > LIMITS.maxSpoolBytes) {
      return false;
    }
    this.#storage.transactionSync(() => this.#insert(delivery, headers, { size, notBefore }));
    this.#items += 1;
    this.#bytes += size;
    return true;
  }

  #insert(
    delivery: NewDelivery,
    headers: string,
    { size, notBefore }: { readonly size: number; readonly notBefore: number },
  ): void {
    const { spoolChunkBytes: chunk } = LIMITS;
    const chunks = Math.max(0, Math.ceil(delivery.body.byteLength / chunk) - 1);
    const { seq } = this.#sql
      .exec<{ seq: number }>(
        `INSERT INTO spool (id, route, lane, received_at, request_id, headers, attempts, next_at,
           size, chunks, body) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?) RETURNING seq`,
        delivery.id,
        delivery.route,
        delivery.lane,
        delivery.receivedAt,
        delivery.requestId,
        headers,
        notBefore,
        size,
        chunks,
        delivery.body.slice(0, chunk).buffer,
      )
      .one();
    for (let part = 1; part <= chunks; part += 1) {
      const bytes = delivery.body.slice(part * chunk, (part + 1) * chunk).buffer;
      this.#sql.exec("INSERT INTO spool_chunk VALUES (?, ?, ?)", seq, part, bytes);
    }
  }

  /** True while something of this lane waits: what comes now must wait behind it. */
  hasLane(lane: string): boolean {
    if (this.#items === 0) return false;
    const rows = this.#sql.exec(
      "SELECT 1 FROM spool WHERE lane = ? AND dead IS NULL LIMIT 1",
      lane,
    );
    return rows.toArray().length > 0;
  }

  /** The oldest of each lane that may go now, without the lanes that are `busy`. */
  due(now: number, busy: ReadonlySet<string>, limit: number): SpooledDelivery[] {
    if (this.#items === 0 || limit <= 0) return [];
    const rows = this.#sql.exec(
      `SELECT seq, id, route, lane, received_at, request_id, headers, attempts, chunks, body
       FROM spool WHERE seq IN (SELECT min(seq) FROM spool WHERE dead IS NULL GROUP BY lane)
       AND next_at <= ? ORDER BY seq LIMIT ?`,
      now,
      limit + busy.size,
    );
    const due: SpooledDelivery[] = [];
    for (const raw of rows) {
      const row = Row.parse(raw);
      if (!busy.has(row.lane) && due.length < limit) due.push(this.#toDelivery(row));
    }
    return due;
  }

  /** Unix ms at which the one that waits longest came in. */
  oldestAt(): number | undefined {
    if (this.#items === 0) return undefined;
    const row = this.#sql
      .exec("SELECT min(received_at) AS due FROM spool WHERE dead IS NULL")
      .one();
    return Due.parse(row).due ?? undefined;
  }

  /** Unix ms at which `due` will give more; undefined when nothing waits. */
  nextDueAt(): number | undefined {
    if (this.#items === 0) return undefined;
    const row = this.#sql
      .exec(
        `SELECT min(next_at) AS due FROM spool
         WHERE seq IN (SELECT min(seq) FROM spool WHERE dead IS NULL GROUP BY lane)`,
      )
      .one();
    return Due.parse(row).due ?? undefined;
  }

  /** Committed by the core: gone from here. Does nothing when it is gone already. */
  remove(seq: number): void {
    this.#forget(seq);
    this.#sql.exec("DELETE FROM spool_chunk WHERE seq = ?", seq);
    this.#sql.exec("DELETE FROM spool WHERE seq = ?", seq);
  }

  /** Not now: its lane waits with it until `at`. */
  postpone(seq: number, at: number): void {
    this.#sql.exec("UPDATE spool SET attempts = attempts + 1, next_at = ? WHERE seq = ?", at, seq);
  }

  /** Never: kept for people to look at, in nobody's way. */
  bury(seq: number, reason: string): void {
    this.#forget(seq);
    this.#sql.exec("UPDATE spool SET dead = ? WHERE seq = ?", reason.slice(0, 500), seq);
  }

  /** Drops dead letters older than `before`, and buries what waited since then. */
  expire(waitingBefore: number, deadBefore: number): void {
    this.#sql.exec(
      "DELETE FROM spool_chunk WHERE seq IN (SELECT seq FROM spool WHERE dead IS NOT NULL AND received_at < ?)",
      deadBefore,
    );
    this.#sql.exec("DELETE FROM spool WHERE dead IS NOT NULL AND received_at < ?", deadBefore);
    const old = this.#sql
      .exec<{ seq: number }>(
        "SELECT seq FROM spool WHERE dead IS NULL AND received_at < ?",
        waitingBefore,
      )
      .toArray();
    for (const { seq } of old) this.bury(seq, "waited too long for a core");
  }

  #forget(seq: number): void {
    const [row] = this.#sql
      .exec<{ size: number }>("SELECT size FROM spool WHERE seq = ? AND dead IS NULL", seq)
      .toArray();
    if (row === undefined) return;
    this.#items -= 1;
    this.#bytes -= row.size;
  }

  #toDelivery(row: z.output<typeof Row>): SpooledDelivery {
    const parts = [new Uint8Array(row.body)];
    if (row.chunks > 0) {
      const rest = this.#sql.exec<{ bytes: ArrayBuffer }>(
        "SELECT bytes FROM spool_chunk WHERE seq = ? ORDER BY part",
        row.seq,
      );
      for (const { bytes } of rest) parts.push(new Uint8Array(bytes));
    }
    return {
      seq: row.seq,
      id: row.id,
      route: row.route,
      lane: row.lane,
      receivedAt: row.received_at,
      requestId: row.request_id,
      headers: Headers.parse(JSON.parse(row.headers)),
      attempts: row.attempts,
      body: concat(parts),
    };
  }
}
