import { LIMITS } from "../../../shared/limits.ts";
import { columnsOf, COLUMNS, type Storage, type StoredDelivery, toDelivery } from "./tables.ts";

/** A webhook that the core will never take, or that has waited too long. */
export interface DeadLetter extends StoredDelivery {
  readonly reason: string;
  readonly attempts: number;
  /** Unix ms since when it is dead. */
  readonly at: number;
}

/** Kept at most; then the oldest is lost. Two hours of a sender whose every webhook is refused. */
const MAX_LETTERS = 10_000;
const MAX_BYTES = 128 * 1024 * 1024;
const MAX_REASON = 500;

/**
 * Webhooks that are in nobody's way any more, kept for people to look at and to send again. In a
 * table of their own, so that one of them does not keep the table of its hour.
 */
export class DeadLetters {
  readonly #storage: Storage;
  /** Size by number; those that died first come first. */
  readonly #sizes = new Map<number, number>();
  #bytes = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
    const rows = storage.sql.exec<{ seq: number; size: number }>(
      "SELECT seq, size FROM dead ORDER BY at",
    );
    for (const { seq, size } of rows) this.#count(seq, size);
  }

  get size(): number {
    return this.#sizes.size;
  }

  has(seq: number): boolean {
    return this.#sizes.has(seq);
  }

  /** In the order in which they had come. */
  seqs(): number[] {
    return [...this.#sizes.keys()].toSorted((a, b) => a - b);
  }

  /** Copies it from the table of its hour. Does nothing when it is not there. */
  bury(hour: number, seq: number, { reason, attempts, at }: Verdict): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      const [row] = sql
        .exec<{ size: number; chunks: number }>(
          `INSERT OR REPLACE INTO dead (${COLUMNS}, at, reason, attempts, body)
           SELECT ${columnsOf(hour)}, ?, ?, ?, body FROM q_${hour} WHERE seq = ?
           RETURNING size, chunks`,
          at,
          reason.slice(0, MAX_REASON),
          attempts,
          seq,
        )
        .toArray();
      if (row === undefined) return;
      if (row.chunks > 0) {
        sql.exec(
          `INSERT OR REPLACE INTO dead_chunk SELECT seq, part, bytes FROM c_${hour} WHERE seq = ?`,
          seq,
        );
      }
      this.#count(seq, row.size);
    });
    this.#makeRoom();
  }

  /** @throws Error for one that makes no sense. */
  read(seq: number): DeadLetter | undefined {
    const { sql } = this.#storage;
    const [row] = sql
      .exec<Record<"reason", string> & Record<"attempts" | "at", number>>(
        "SELECT * FROM dead WHERE seq = ?",
        seq,
      )
      .toArray();
    if (row === undefined) return undefined;
    const rest = (): Uint8Array[] =>
      sql
        .exec<{ bytes: ArrayBuffer }>(
          "SELECT bytes FROM dead_chunk WHERE seq = ? ORDER BY part",
          seq,
        )
        .toArray()
        .map(({ bytes }) => new Uint8Array(bytes));
    return {
      ...toDelivery(row, rest),
      reason: row.reason,
      attempts: row.attempts,
      at: row.at,
    };
  }

  routeOf(seq: number): string | undefined {
    const [row] = this.#storage.sql
      .exec<{ route: string }>("SELECT route FROM dead WHERE seq = ?", seq)
      .toArray();
    return row?.route;
  }

  /** Packed keys of all. */
  *keys(): Generator<Uint8Array> {
    const rows = this.#storage.sql.exec<{ keys: ArrayBuffer }>(
      "SELECT keys FROM dead WHERE keys IS NOT NULL",
    );
    for (const { keys } of rows) yield new Uint8Array(keys);
  }

  remove(seq: number): boolean {
    const size = this.#sizes.get(seq);
    if (size === undefined) return false;
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec("DELETE FROM dead WHERE seq = ?", seq);
      this.#storage.sql.exec("DELETE FROM dead_chunk WHERE seq = ?", seq);
    });
    this.#sizes.delete(seq);
    this.#bytes -= size;
    return true;
  }

  /** @returns How many were too old. */
  expire(now: number): number {
    if (this.size === 0) return 0;
    const rows = this.#storage.sql.exec<{ seq: number }>(
      "SELECT seq FROM dead WHERE at < ?",
      now - LIMITS.deadLetterRetentionMs,
    );
    return rows.toArray().filter(({ seq }) => this.remove(seq)).length;
  }

  #count(seq: number, size: number): void {
    this.#bytes += size - (this.#sizes.get(seq) ?? 0);
    this.#sizes.set(seq, size);
  }

  #makeRoom(): void {
    while (this.size > MAX_LETTERS || (this.size > 1 && this.#bytes > MAX_BYTES)) {
      const [oldest] = this.#sizes.keys();
      if (oldest === undefined || !this.remove(oldest)) return;
    }
  }
}

interface Verdict {
  readonly reason: string;
  readonly attempts: number;
  /** Unix ms. */
  readonly at: number;
}
