import * as z from "zod/mini";
import { concat } from "../../../shared/bytes.ts";
import { jsonOrUndefined } from "../../../shared/json.ts";
import { LIMITS } from "../../../shared/limits.ts";
import type { DeliveryItem } from "../../../shared/tunnel/delivery.ts";
import { type Key, packKeys, unpackKeys } from "./key-table.ts";
import type { KeptProgress } from "./progress.ts";

/** A webhook with all that the core is told of it, but for what changes from try to try. */
export interface NewDelivery {
  readonly id: string;
  readonly route: string;
  readonly items: readonly DeliveryItem[];
  readonly receivedAt: number;
  readonly requestId: string;
  readonly verified: string;
  readonly secret: number;
  readonly method: string;
  readonly query: string;
  readonly ip: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
  /** Of its events; none when the edge does not know them apart. */
  readonly keys: readonly Key[];
}

/** As it is in a table. */
export interface StoredDelivery extends NewDelivery {
  readonly seq: number;
  /** Of body and headers, in bytes. */
  readonly size: number;
}

/** What of a row is read after a sleep. */
export interface RowHead {
  readonly seq: number;
  readonly route: string;
  readonly lanes: readonly string[];
  readonly size: number;
  readonly receivedAt: number;
  readonly verified: string;
}

type HeadColumns = Record<"seq" | "size" | "received_at", number> &
  Record<"route" | "items" | "verified", string>;

const Items = z.array(z.tuple([z.string(), z.string()])).check(z.minLength(1));
const HeadersText = z.array(z.tuple([z.string(), z.string()]));
const Head = z.object({
  requestId: z.string(),
  secret: z._default(z.number(), 0),
  method: z._default(z.string(), "POST"),
  query: z._default(z.string(), ""),
  ip: z._default(z.string(), ""),
});
const json = <T>(schema: z.ZodMiniType<T>): z.ZodMiniType<T> => z.pipe(z.transform(parsed), schema);
const Row = z.object({
  seq: z.number(),
  id: z.string(),
  route: z.string(),
  items: json(Items),
  keys: z.nullable(z.instanceof(ArrayBuffer)),
  received_at: z.number(),
  verified: z.string(),
  head: json(Head),
  headers: json(HeadersText),
  size: z.number(),
  chunks: z.number(),
  body: z.instanceof(ArrayBuffer),
});
const Tables = z.array(z.object({ name: z.string() }));
const HOURLY = /^(?<kind>[qc])_(?<hour>\d{1,9})$/;
const HOUR_MS = 3_600_000;
/** Hours below are tables that a version before has left, with columns of their own. */
const MAX_LEGACY_HOURS = 1_000;
/** Row of a table that says how far the others have come. No webhook has this number. */
const PROGRESS_SEQ = 0;

/** Columns of every table of webhooks that has no more than those of `ROW_DDL`. */
export const COLUMNS =
  "seq, id, route, items, keys, received_at, verified, head, headers, size, chunks";
const LEGACY_COLUMNS = `seq, id, route, json_array(json_array(id, lane)) AS items, NULL AS keys,
  received_at, 'edge' AS verified, json_object('requestId', request_id) AS head, headers, size, chunks`;

/** Columns of every table of webhooks, but for its body: that comes last, so the rest is read without it. */
export const ROW_DDL = `seq INTEGER PRIMARY KEY, id TEXT, route TEXT, items TEXT, keys BLOB,
  received_at INTEGER, verified TEXT, head TEXT, headers TEXT, size INTEGER, chunks INTEGER`;

export type Storage = Pick<DurableObjectStorage, "sql" | "transactionSync">;

/** The hour that a webhook's number belongs to. */
export function hourOf(seq: number): number {
  return Math.floor(seq / 1_000 / HOUR_MS);
}

/** Unix ms at which that number was given; undefined for one of before they were made of times. */
export function timeOf(seq: number): number | undefined {
  return hourOf(seq) < MAX_LEGACY_HOURS ? undefined : seq / 1_000;
}

/**
 * Webhooks in the relay's SQLite, in a table for each hour.
 *
 * One row a webhook, keyed by arrival and without a second index: a row written is what the platform
 * bills. None is deleted: when all of an hour are settled its table is dropped, which writes no row.
 * Bodies beyond the platform's row limit go on in a second table of the same hour.
 */
export class HourlyTables {
  readonly #storage: Storage;
  readonly #hours: Set<number>;
  readonly #chunked: Set<number>;

  constructor(storage: Storage) {
    this.#storage = storage;
    const tables = tableNames(storage.sql).flatMap((name) => {
      const { kind, hour } = HOURLY.exec(name)?.groups ?? {};
      return hour === undefined ? [] : [{ kind, hour: Number(hour) }];
    });
    const hoursOf = (wanted: string): number[] =>
      tables.flatMap(({ kind, hour }) => (kind === wanted ? [hour] : []));
    this.#hours = new Set(hoursOf("q"));
    this.#chunked = new Set(hoursOf("c"));
  }

  /** Oldest first. */
  get hours(): number[] {
    return [...this.#hours].toSorted((a, b) => a - b);
  }

  /** @throws Error when it cannot be written; then none of it was. */
  insert(seq: number, size: number, delivery: NewDelivery): void {
    const hour = hourOf(seq);
    const { spoolChunkBytes: chunk } = LIMITS;
    const chunks = Math.max(0, Math.ceil(delivery.body.byteLength / chunk) - 1);
    this.#storage.transactionSync(() => {
      this.#create(hour, chunks > 0);
      this.#insertRow(hour, { ...delivery, seq, size }, chunks);
      for (let part = 1; part <= chunks; part += 1) {
        const bytes = delivery.body.slice(part * chunk, (part + 1) * chunk).buffer;
        this.#sql.exec(`INSERT INTO c_${hour} VALUES (?, ?, ?)`, seq, part, bytes);
      }
    });
    this.#hours.add(hour);
    if (chunks > 0) this.#chunked.add(hour);
  }

  /** What a relay that wakes must know of each, in the order of their numbers. */
  *heads(hour: number): Generator<RowHead> {
    const lane = isLegacy(hour) ? "json_array(json_array(id, lane))" : "items";
    const verifiedBy = isLegacy(hour) ? "'edge'" : "verified";
    const rows = this.#sql.exec<HeadColumns>(
      `SELECT seq, route, ${lane} AS items, size, received_at, ${verifiedBy} AS verified
       FROM q_${hour} WHERE seq > ? ORDER BY seq`,
      PROGRESS_SEQ,
    );
    for (const row of rows) {
      const { seq, route, size, received_at: receivedAt, verified } = row;
      const lanes = lanesOf(row.items);
      yield { seq, route, lanes: lanes.length === 0 ? [route] : lanes, size, receivedAt, verified };
    }
  }

  /** Packed keys of all webhooks of an hour, settled ones too. */
  *keys(hour: number): Generator<{ readonly seq: number; readonly keys: Uint8Array }> {
    if (isLegacy(hour)) return;
    const rows = this.#sql.exec<{ seq: number; keys: ArrayBuffer }>(
      `SELECT seq, keys FROM q_${hour} WHERE keys IS NOT NULL`,
    );
    for (const { seq, keys } of rows) yield { seq, keys: new Uint8Array(keys) };
  }

  /**
   * @returns Undefined when there is no such row.
   * @throws Error for one that makes no sense.
   */
  read(hour: number, seq: number): StoredDelivery | undefined {
    if (!this.#hours.has(hour)) return undefined;
    const [row] = this.#sql
      .exec(`SELECT ${columnsOf(hour)}, body FROM q_${hour} WHERE seq = ?`, seq)
      .toArray();
    return row === undefined ? undefined : toDelivery(row, () => this.#rest(hour, seq));
  }

  /** The same without its body: that may be long, and a list shows hundreds of them. */
  readHead(hour: number, seq: number): StoredDelivery | undefined {
    if (!this.#hours.has(hour)) return undefined;
    const [row] = this.#sql
      .exec(`SELECT ${columnsOf(hour)} FROM q_${hour} WHERE seq = ?`, seq)
      .toArray();
    return row === undefined ? undefined : toDelivery({ ...row, ...NO_BODY }, () => []);
  }

  progress(hour: number): KeptProgress | undefined {
    const [row] = this.#sql
      .exec<{ headers: string; body: ArrayBuffer }>(
        `SELECT headers, body FROM q_${hour} WHERE seq = ?`,
        PROGRESS_SEQ,
      )
      .toArray();
    if (row === undefined) return undefined;
    return { settled: new Uint8Array(row.body), postponed: row.headers };
  }

  /** One row, whatever it says. */
  keepProgress(hour: number, { settled, postponed }: KeptProgress): void {
    this.#sql.exec(
      `INSERT INTO q_${hour} (seq, headers, body) VALUES (?, ?, ?)
       ON CONFLICT (seq) DO UPDATE SET headers = excluded.headers, body = excluded.body`,
      PROGRESS_SEQ,
      postponed,
      settled.slice().buffer,
    );
  }

  /** All of that hour are settled. */
  drop(hour: number): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec(`DROP TABLE IF EXISTS q_${hour}`);
      if (this.#chunked.has(hour)) this.#sql.exec(`DROP TABLE IF EXISTS c_${hour}`);
    });
    this.#hours.delete(hour);
    this.#chunked.delete(hour);
  }

  get #sql(): SqlStorage {
    return this.#storage.sql;
  }

  #create(hour: number, withChunks: boolean): void {
    if (!this.#hours.has(hour)) {
      this.#sql.exec(`CREATE TABLE IF NOT EXISTS q_${hour} (${ROW_DDL}, body BLOB)`);
    }
    if (withChunks && !this.#chunked.has(hour)) {
      this.#sql.exec(
        `CREATE TABLE IF NOT EXISTS c_${hour} (seq INTEGER, part INTEGER, bytes BLOB,
         PRIMARY KEY (seq, part)) WITHOUT ROWID`,
      );
    }
  }

  #insertRow(hour: number, delivery: StoredDelivery, chunks: number): void {
    const { seq, id, route, items, keys, receivedAt, verified, headers, size, body } = delivery;
    const { requestId, secret, method, query, ip } = delivery;
    this.#sql.exec(
      `INSERT INTO q_${hour} (${COLUMNS}, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      seq,
      id,
      route,
      JSON.stringify(items.map((item) => [item.id, item.lane])),
      keys.length === 0 ? null : packKeys(keys).buffer,
      receivedAt,
      verified,
      JSON.stringify({ requestId, secret, method, query, ip }),
      JSON.stringify(headers),
      size,
      chunks,
      body.slice(0, LIMITS.spoolChunkBytes).buffer,
    );
  }

  #rest(hour: number, seq: number): Uint8Array[] {
    const rows = this.#sql.exec<{ bytes: ArrayBuffer }>(
      `SELECT bytes FROM c_${hour} WHERE seq = ? ORDER BY part`,
      seq,
    );
    return rows.toArray().map(({ bytes }) => new Uint8Array(bytes));
  }
}

/** In place of the columns of a body that nobody wants to see. */
export const NO_BODY = { chunks: 0, body: new ArrayBuffer(0) } as const;

/** @param rest - The body beyond its first part. */
export function toDelivery(raw: unknown, rest: () => Uint8Array[]): StoredDelivery {
  const row = Row.parse(raw);
  const first = new Uint8Array(row.body);
  return {
    ...row.head,
    seq: row.seq,
    id: row.id,
    route: row.route,
    items: row.items.map(([id, lane]) => ({ id, lane })),
    keys: row.keys === null ? [] : unpackKeys(new Uint8Array(row.keys)),
    receivedAt: row.received_at,
    verified: row.verified,
    headers: row.headers,
    size: row.size,
    body: row.chunks === 0 ? first : concat([first, ...rest()]),
  };
}

/** Columns of an hour's table as `toDelivery` and `ROW_DDL` want them, but for the body. */
export function columnsOf(hour: number): string {
  return isLegacy(hour) ? LEGACY_COLUMNS : COLUMNS;
}

function isLegacy(hour: number): boolean {
  return hour < MAX_LEGACY_HOURS;
}

/** By hand: a schema would take longer than all else there is to do for a row after a sleep. */
function lanesOf(text: string): string[] {
  const items = jsonOrUndefined(text);
  if (!Array.isArray(items)) return [];
  return items.flatMap((item: unknown) => {
    const lane: unknown = Array.isArray(item) ? item[1] : undefined;
    return typeof lane === "string" ? [lane] : [];
  });
}

/** Names of the tables there are. */
export function tableNames(sql: SqlStorage): string[] {
  const rows = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
  return Tables.parse(rows).map(({ name }) => name);
}

function parsed(text: unknown): unknown {
  return typeof text === "string" ? jsonOrUndefined(text) : undefined;
}
