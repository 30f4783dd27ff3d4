import { LIMITS } from "../../../shared/limits.ts";
import { logLine } from "../../log.ts";
import { KEY_BYTES, type Key, KeyTable, packKeys, unpackKeys } from "./key-table.ts";

/** Keys of one row, 128 KiB: so many webhooks that go straight to the core write one. */
const BATCH_KEYS = 16_384;
/** Rows, each written over when its turn comes again: 200,000 ids, and nothing is ever deleted. */
const BATCHES = 14;
/** What a core's socket carries of those no row has yet: 8 KiB of the 16 it may have. */
const CARRIED_KEYS = 1_024;

export interface SeenBatch {
  /** Counts up; its place is the rest by `BATCHES`. */
  readonly number: number;
  /** Unix ms of the newest. */
  readonly at: number;
  readonly keys: Uint8Array;
}

/** Where batches are kept, by place. */
export interface SeenRows {
  read(): Iterable<SeenBatch>;
  write(place: number, batch: SeenBatch): void;
}

export interface SeenParts {
  readonly rows: SeenRows;
  /** Packed keys of all that waits and of the dead letters. */
  stored(): Iterable<Uint8Array>;
  /** What sockets have brought through a sleep. */
  readonly carried: readonly Uint8Array[];
  now(): number;
}

/**
 * Events that are durably somewhere: here, or with the core. What a sender sends again of these is
 * answered without asking anybody.
 *
 * Only the newest 200,000 of the last eight days are known; the core knows the rest. Ids of what the
 * core has committed are written 16,384 at a time or when the last core goes, so a webhook that is
 * delivered at once writes no row. Until then sockets of cores carry the newest 1,024 through a
 * sleep: while there is a core, it is asked, and knows the others.
 */
export class Seen {
  readonly #parts: SeenParts;
  readonly #carried: readonly Uint8Array[];
  /** Undefined before the first question, and after something was forgotten. */
  #table: KeyTable | undefined;
  readonly #batches = new Map<number, SeenBatch>();
  /** Of the batch that fills up. */
  #pending: Key[] = [];
  /** How many of those its row has. */
  #written = 0;
  #number = 0;
  #loaded = false;

  constructor(parts: SeenParts) {
    this.#parts = parts;
    this.#carried = parts.carried;
  }

  /** Those of `keys` that nobody has heard of. */
  unknown(keys: readonly Key[]): Key[] {
    const table = this.#known();
    return keys.filter((key) => !table.has(key));
  }

  /** Written down here, where `stored` finds them. */
  kept(keys: readonly Key[]): void {
    const table = this.#known();
    for (const key of keys) table.add(key);
  }

  /** The core has these. */
  committed(keys: readonly Key[]): void {
    const table = this.#known();
    for (const key of keys) {
      table.add(key);
      this.#pending.push(key);
      if (this.#pending.length >= BATCH_KEYS) this.#close();
    }
  }

  /** Something that `stored` gave is gone for good: who sends it again is welcome. */
  forget(): void {
    this.#table = undefined;
  }

  /** For the sockets of cores to carry through a sleep. */
  get carried(): Uint8Array {
    if (!this.#loaded) return joined(this.#carried);
    return packKeys(this.#pending.slice(this.#written).slice(-CARRIED_KEYS));
  }

  /** Writes down what no socket will carry any more. One row, or none when there is nothing. */
  flush(): void {
    if (!this.#loaded && this.#carried.every(({ byteLength }) => byteLength === 0)) return;
    this.#load();
    if (this.#pending.length > this.#written) this.#write();
  }

  #close(): void {
    // When storage fails these are known until we sleep; after that the core alone knows them.
    if (this.#write()) this.#number += 1;
    this.#pending = [];
    this.#written = 0;
  }

  #write(): boolean {
    const { rows } = this.#parts;
    const at = this.#parts.now();
    const batch = { number: this.#number, at, keys: packKeys(this.#pending) };
    const place = this.#number % BATCHES;
    try {
      rows.write(place, batch);
    } catch (error) {
      logLine("error", { event: "seen_not_written", err: String(error) });
      return false;
    }
    this.#batches.set(place, batch);
    this.#written = this.#pending.length;
    return true;
  }

  #known(): KeyTable {
    this.#load();
    const most = 2 * (BATCH_KEYS * BATCHES + LIMITS.maxSpoolItems);
    // Keys of batches that were written over stay until there are too many.
    if (this.#table !== undefined && this.#table.size <= most) return this.#table;
    const table = new KeyTable();
    const add = (bytes: Uint8Array): void => {
      for (const key of unpackKeys(bytes)) table.add(key);
    };
    for (const { keys } of this.#batches.values()) add(keys);
    for (const keys of this.#parts.stored()) add(keys);
    for (const key of this.#pending) table.add(key);
    this.#table = table;
    return table;
  }

  #load(): void {
    if (this.#loaded) return;
    const oldest = this.#parts.now() - LIMITS.dedupeMs;
    let newest: SeenBatch | undefined;
    for (const batch of this.#parts.rows.read()) {
      if (batch.number >= (newest?.number ?? 0)) newest = batch;
      if (batch.at >= oldest) this.#batches.set(batch.number % BATCHES, batch);
    }
    this.#loaded = true;
    this.#resume(newest);
    const known = new Set(this.#pending);
    const carried = this.#carried.flatMap((bytes) => unpackKeys(bytes));
    this.#pending.push(...new Set(carried.filter((key) => !known.has(key))));
    this.#pending = this.#pending.slice(-2 * BATCH_KEYS);
  }

  /** A batch that was not full when it was written goes on. */
  #resume(newest: SeenBatch | undefined): void {
    if (newest === undefined) return;
    const isFull = newest.keys.byteLength >= BATCH_KEYS * KEY_BYTES;
    this.#number = newest.number + (isFull ? 1 : 0);
    if (isFull) return;
    this.#pending = unpackKeys(newest.keys);
    this.#written = this.#pending.length;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const keys = new Set(parts.flatMap((bytes) => unpackKeys(bytes)));
  return packKeys([...keys].slice(-CARRIED_KEYS));
}
