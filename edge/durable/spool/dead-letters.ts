import { LIMITS } from "../../../shared/limits.ts";
import { logLine } from "../../log.ts";
import { KEY_BYTES } from "./key-table.ts";
import {
  columnsOf,
  COLUMNS,
  NO_BODY,
  type Storage,
  type StoredDelivery,
  toDelivery,
} from "./tables.ts";

/** A webhook that the core will never take, or that has waited too long. */
export interface DeadLetter extends StoredDelivery {
  readonly reason: string;
  readonly attempts: number;
  /** Unix ms since when it is dead. */
  readonly at: number;
}

/** Kept at most; then the oldest are lost. Two hours of a sender whose every webhook is refused. */
const MOST = { letters: 10_000, events: 250_000, bytes: 128 * 1024 * 1024 } as const;
/** Of those among them that nobody has verified: strangers may write as many as they like. */
const MOST_UNVERIFIED = { letters: 500, events: 500, bytes: 8 * 1024 * 1024 } as const;
/** Lost at once: what is known of them must be read anew after it. */
const LOST_AT_ONCE = 100;
const MAX_REASON = 500;

/** Some of the letters, those that died first first. */
interface Kind {
  /** By number. */
  readonly letters: Map<number, Room>;
  bytes: number;
  events: number;
}

/** What one takes: on the disk, and of what is known in memory. */
interface Room {
  readonly size: number;
  readonly events: number;
}

interface Most {
  readonly letters: number;
  readonly events: number;
  readonly bytes: number;
}

/** No id is known of those of strangers: they are one each. */
const COUNTED = `seq, size, verified, coalesce(length(keys) / ${KEY_BYTES}, 1) AS events`;

interface Counted extends Record<string, SqlStorageValue> {
  readonly seq: number;
  readonly size: number;
  readonly verified: string;
  readonly events: number;
}

/**
 * Webhooks that are in nobody's way any more, kept for people to look at and to send again. In a
 * table of their own, so that one of them does not keep the table of its hour.
 */
export class DeadLetters {
  readonly #storage: Storage;
  readonly #verified: Kind = { letters: new Map(), bytes: 0, events: 0 };
  readonly #unverified: Kind = { letters: new Map(), bytes: 0, events: 0 };

  constructor(storage: Storage) {
    this.#storage = storage;
    const rows = storage.sql.exec<Counted>(`SELECT ${COUNTED} FROM dead ORDER BY at`);
    for (const row of rows) this.#count(row);
  }

  get size(): number {
    return this.#verified.letters.size + this.#unverified.letters.size;
  }

  has(seq: number): boolean {
    return this.#kindOf(seq) !== undefined;
  }

  /** In the order in which they had come. */
  seqs(): number[] {
    const all = [...this.#verified.letters.keys(), ...this.#unverified.letters.keys()];
    return all.toSorted((a, b) => a - b);
  }

  /**
   * Copies it from the table of its hour. Does nothing when it is not there.
   *
   * @returns How many that are known by their ids are lost to make room for it.
   */
  bury(hour: number, seq: number, { reason, attempts, at }: Verdict): number {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      const [row] = sql
        .exec<Counted & { chunks: number }>(
          `INSERT OR REPLACE INTO dead (${COLUMNS}, at, reason, attempts, body)
           SELECT ${columnsOf(hour)}, ?, ?, ?, body FROM q_${hour} WHERE seq = ?
           RETURNING ${COUNTED}, chunks`,
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
      this.#count(row);
    });
    return this.#makeRoom();
  }

  /** @throws Error for one that makes no sense. */
  read(seq: number): DeadLetter | undefined {
    const { sql } = this.#storage;
    const [row] = sql.exec<Fate>("SELECT * FROM dead WHERE seq = ?", seq).toArray();
    if (row === undefined) return undefined;
    const rest = (): Uint8Array[] =>
      sql
        .exec<{ bytes: ArrayBuffer }>(
          "SELECT bytes FROM dead_chunk WHERE seq = ? ORDER BY part",
          seq,
        )
        .toArray()
        .map(({ bytes }) => new Uint8Array(bytes));
    return letterOf(row, toDelivery(row, rest));
  }

  /** The same without its body. @throws Error for one that makes no sense. */
  readHead(seq: number): DeadLetter | undefined {
    const [row] = this.#storage.sql
      .exec<Fate>(`SELECT ${COLUMNS}, at, reason, attempts FROM dead WHERE seq = ?`, seq)
      .toArray();
    return (
      row &&
      letterOf(
        row,
        toDelivery({ ...row, ...NO_BODY }, () => []),
      )
    );
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
    const kind = this.#kindOf(seq);
    if (kind === undefined) return false;
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec("DELETE FROM dead WHERE seq = ?", seq);
      this.#storage.sql.exec("DELETE FROM dead_chunk WHERE seq = ?", seq);
    });
    this.#forget(kind, seq);
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

  #kindOf(seq: number): Kind | undefined {
    return [this.#verified, this.#unverified].find(({ letters }) => letters.has(seq));
  }

  #count({ seq, size, events, verified }: Counted): void {
    const kind = verified === "" ? this.#unverified : this.#verified;
    this.#forget(kind, seq);
    kind.letters.set(seq, { size, events });
    kind.bytes += size;
    kind.events += events;
  }

  #forget(kind: Kind, seq: number): void {
    const { size, events } = kind.letters.get(seq) ?? { size: 0, events: 0 };
    kind.letters.delete(seq);
    kind.bytes -= size;
    kind.events -= events;
  }

  /** Those of strangers make room for each other alone, and are not known by any id. */
  #makeRoom(): number {
    const strangers = this.#loseOf(this.#unverified, MOST_UNVERIFIED);
    const lost = this.#loseOf(this.#verified, MOST);
    if (strangers + lost > 0) logLine("warn", { event: "dead_letters_lost", lost, strangers });
    return lost;
  }

  #loseOf(kind: Kind, most: Most): number {
    const { letters } = kind;
    const isTooMuch = (): boolean => kind.bytes > most.bytes || kind.events > most.events;
    if (letters.size <= most.letters && !isTooMuch()) return 0;
    const enough = most.letters - LOST_AT_ONCE;
    let lost = 0;
    for (const seq of letters.keys()) {
      const isRoom = letters.size <= enough && !isTooMuch();
      // The newest has just come.
      if (isRoom || letters.size === 1 || !this.remove(seq)) break;
      lost += 1;
    }
    return lost;
  }
}

type Fate = Record<"reason", string> & Record<"attempts" | "at", number>;

function letterOf({ reason, attempts, at }: Fate, stored: StoredDelivery): DeadLetter {
  return { ...stored, reason, attempts, at };
}

interface Verdict {
  readonly reason: string;
  readonly attempts: number;
  /** Unix ms. */
  readonly at: number;
}
