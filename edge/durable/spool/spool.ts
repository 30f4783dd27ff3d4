import { $ZodError } from "zod/v4/core";
import { LIMITS } from "../../../shared/limits.ts";
import { logLine } from "../../log.ts";
import { DeadLetters } from "./dead-letters.ts";
import type { Key } from "./key-table.ts";
import { LaneIndex, type Waiting } from "./lane-index.ts";
import { migrate } from "./migrate.ts";
import { Progress } from "./progress.ts";
import { Seen } from "./seen.ts";
import { seenRows } from "./seen-rows.ts";
import {
  HourlyTables,
  hourOf,
  type NewDelivery,
  type Storage,
  type StoredDelivery,
  timeOf,
} from "./tables.ts";
import type { Remembered } from "./waiting-rows.ts";

/** A webhook that may go now. */
export interface SpooledDelivery extends StoredDelivery {
  /** How often a core that was there did not take it. */
  readonly attempts: number;
}

/** So many settled ones may be sent again after a crash; the core knows them. */
const MAX_UNSAVED = 100;
/** A storage that could not bury a webhook is asked again after this. */
const BURY_AGAIN_MS = 60_000;

/** One table of webhooks, as far as it is known. */
interface Hour {
  readonly progress: Progress;
  /** Its rows. */
  count: number;
}

interface Sums {
  events: number;
  bytes: number;
}

export interface SpoolParts {
  readonly storage: Storage;
  /** What sockets of cores have brought through a sleep. */
  readonly carried: readonly Uint8Array[];
  now(): number;
  /** `save` should be called within seconds, before the relay can fall asleep. */
  unsaved(): void;
}

/**
 * Undelivered webhooks: their tables, and in memory which of them may go. The runtime holds back our
 * answer until what was written is on disk, so a 2xx that follows `add` is an honest one.
 */
export class Spool {
  readonly #parts: SpoolParts;
  readonly #tables: HourlyTables;
  readonly #index = new LaneIndex();
  readonly #hours = new Map<number, Hour>();
  readonly #verified: Sums = { events: 0, bytes: 0 };
  readonly #unverified: Sums = { events: 0, bytes: 0 };
  readonly dead: DeadLetters;
  readonly seen: Seen;
  #lastSeq = 0;
  #unsaved = 0;

  constructor(parts: SpoolParts) {
    const { storage, carried } = parts;
    this.#parts = parts;
    migrate(storage);
    this.#tables = new HourlyTables(storage);
    this.dead = new DeadLetters(storage);
    this.seen = new Seen({
      rows: seenRows(storage.sql),
      stored: () => this.#keys(),
      carried,
      now: () => parts.now(),
    });
    for (const hour of this.#tables.hours) this.#open(hour);
    for (const seq of this.dead.seqs()) this.#lastSeq = Math.max(this.#lastSeq, seq);
    this.#dropSettled();
  }

  /** Webhooks that wait. */
  get items(): number {
    return this.#index.size;
  }

  /** Bytes of those. */
  get bytes(): number {
    return this.#verified.bytes + this.#unverified.bytes;
  }

  /** Those of them that the edge could not verify. */
  get unverified(): number {
    return this.#unverified.events;
  }

  /** Unix ms since when the oldest waits. */
  oldestAt(): number | undefined {
    return this.#index.values().next().value?.since;
  }

  /** Of all that wait, oldest first. */
  waiting(): IterableIterator<Remembered> {
    return this.#index.values();
  }

  find(seq: number): Remembered | undefined {
    return this.#index.get(seq);
  }

  /** True while something of one of these lanes waits: what comes now must wait behind it. */
  isBehind(lanes: readonly string[]): boolean {
    return lanes.some((lane) => this.#index.hasLane(lane));
  }

  /**
   * @param notBefore - Unix ms before which the core will not have it.
   * @returns False when it is full: then the sender must keep it and come back.
   * @throws Error when it cannot be written; then none of it was.
   */
  add(delivery: NewDelivery, notBefore = 0, attempts = 0): boolean {
    const size = delivery.body.byteLength + JSON.stringify(delivery.headers).length;
    const unverified = delivery.verified === "";
    const events = delivery.items.length;
    if (!this.#hasRoom(unverified, { events, bytes: size })) return false;
    const seq = Math.max(this.#lastSeq + 1, this.#parts.now() * 1_000);
    const since = timeOf(seq) ?? delivery.receivedAt;
    this.#tables.insert(seq, size, delivery);
    this.#lastSeq = seq;
    const hour = hourOf(seq);
    const known = this.#hours.get(hour) ?? { progress: new Progress(), count: 0 };
    this.#hours.set(hour, known);
    const ordinal = known.count;
    known.count += 1;
    if (attempts > 0) {
      known.progress.postpone(ordinal, { attempts, nextAt: notBefore });
      this.#parts.unsaved();
    }
    const lanes = delivery.items.map(({ lane }) => lane);
    const { route } = delivery;
    const place = { seq, hour, ordinal, route, lanes, size, events, unverified, since };
    this.#admit({ ...place, attempts, nextAt: notBefore });
    this.seen.kept(delivery.keys);
    return true;
  }

  /**
   * The oldest that may go now, whole; its lanes are closed until it is settled or put back. One that
   * cannot be read is buried, and the next is looked at.
   *
   * @param fits - Of its size in bytes: false ends the search.
   * @throws Error when the storage fails; nothing has changed then.
   */
  take(now: number, fits: (size: number) => boolean): SpooledDelivery | undefined {
    for (;;) {
      const waiting = this.#index.take(now, ({ size }) => fits(size));
      if (waiting === undefined) return undefined;
      const { seq, hour, attempts } = waiting;
      const stored = this.#read(hour, seq);
      if (stored.ok) return { ...stored.delivery, attempts };
      if (stored.isFault) {
        this.#index.putBack(seq, waiting.nextAt, attempts);
        throw stored.cause;
      }
      logLine("error", { event: "spool_unreadable", seq, err: String(stored.cause) });
      this.bury(seq, "cannot be read", now);
    }
  }

  /** Of one that waits, as it is stored. @throws Error when it cannot be read. */
  read(seq: number): StoredDelivery | undefined {
    const waiting = this.#index.get(seq);
    return waiting === undefined ? undefined : this.#tables.read(waiting.hour, seq);
  }

  /** The same without its body. */
  readHead(seq: number): StoredDelivery | undefined {
    const waiting = this.#index.get(seq);
    return waiting === undefined ? undefined : this.#tables.readHead(waiting.hour, seq);
  }

  /** Unix ms at which `take` gives more; undefined when nothing can without an answer of the core. */
  nextDueAt(now: number): number | undefined {
    return this.#index.nextAt(now);
  }

  /** The core has committed it. Does nothing when that is known already. */
  settle(seq: number, keys: readonly Key[]): void {
    if (this.#remove(seq) !== undefined) this.seen.committed(keys);
  }

  /** The core did not take it: its lanes wait with it until `at`. */
  postpone(seq: number, at: number, attempts: number): void {
    const waiting = this.#index.get(seq);
    if (waiting === undefined) return;
    this.#index.putBack(seq, at, attempts);
    this.#hours.get(waiting.hour)?.progress.postpone(waiting.ordinal, { attempts, nextAt: at });
    this.#changed();
  }

  /** It was with a core that is gone, or never left: that costs it no attempt. */
  putBack(seq: number, at: number): void {
    const waiting = this.#index.get(seq);
    if (waiting !== undefined) this.#index.putBack(seq, at, waiting.attempts);
  }

  /** Never: kept for people to look at, in nobody's way. */
  bury(seq: number, reason: string, now: number): void {
    const waiting = this.#index.get(seq);
    if (waiting === undefined) return;
    const { hour, attempts } = waiting;
    try {
      const lost = this.dead.bury(hour, seq, { reason, attempts, at: now });
      if (lost > 0) this.seen.forget();
    } catch (error) {
      logLine("error", { event: "not_buried", seq, err: String(error) });
      this.#index.putBack(seq, now + BURY_AGAIN_MS, attempts);
      return;
    }
    this.#remove(seq);
  }

  /** A dead letter waits again, as if it had come now. @returns False without room, or without it. */
  revive(seq: number): boolean {
    const letter = this.dead.read(seq);
    if (letter === undefined) return false;
    return this.add(letter) && this.dead.remove(seq);
  }

  /** Drops dead letters that are too old, and buries what has waited for too long. */
  expire(now: number): void {
    if (this.dead.expire(now) > 0) this.seen.forget();
    const late: number[] = [];
    for (const { seq, since } of this.#index.values()) {
      if (since >= now - LIMITS.spoolRetentionMs) break;
      late.push(seq);
    }
    for (const seq of late) this.bury(seq, "waited too long for a core", now);
  }

  /** Writes down how far all have come: a row an hour, or none for one that is done with. */
  save(): void {
    this.#unsaved = 0;
    try {
      this.#dropSettled();
      for (const [hour, { progress }] of this.#hours) {
        if (progress.dirty) this.#tables.keepProgress(hour, progress.kept);
        progress.dirty = false;
      }
    } catch (error) {
      // What is lost by it is sent again, and the core knows it.
      logLine("error", { event: "progress_not_saved", err: String(error) });
      this.#parts.unsaved();
    }
  }

  #dropSettled(): void {
    for (const [hour, { progress, count }] of this.#hours) {
      if (progress.settled < count) continue;
      this.#tables.drop(hour);
      this.#hours.delete(hour);
    }
  }

  #admit(waiting: Waiting): void {
    this.#count(waiting, 1);
    this.#index.add(waiting);
  }

  #remove(seq: number): Remembered | undefined {
    const waiting = this.#index.remove(seq);
    if (waiting === undefined) return undefined;
    this.#count(waiting, -1);
    this.#hours.get(waiting.hour)?.progress.settle(waiting.ordinal);
    this.#changed();
    return waiting;
  }

  #changed(): void {
    this.#unsaved += 1;
    this.#parts.unsaved();
    if (this.#unsaved >= MAX_UNSAVED) this.save();
  }

  #hasRoom(unverified: boolean, wanted: Sums): boolean {
    const { events, bytes } = unverified ? this.#unverified : this.#verified;
    const most = unverified
      ? { events: LIMITS.maxUnverifiedSpoolItems, bytes: LIMITS.maxUnverifiedSpoolBytes }
      : { events: LIMITS.maxSpoolItems, bytes: LIMITS.maxSpoolBytes };
    return events + wanted.events <= most.events && bytes + wanted.bytes <= most.bytes;
  }

  #count({ unverified, events, size }: Remembered, times: 1 | -1): void {
    const sums = unverified ? this.#unverified : this.#verified;
    sums.events += times * events;
    sums.bytes += times * size;
  }

  #open(hour: number): void {
    const progress = new Progress(this.#tables.progress(hour));
    let count = 0;
    for (const { seq, route, lanes, size, receivedAt, verified } of this.#tables.heads(hour)) {
      const ordinal = count;
      count += 1;
      this.#lastSeq = Math.max(this.#lastSeq, seq);
      // A dead letter may have been written, and the progress of its hour not.
      if (this.dead.has(seq)) progress.settle(ordinal);
      if (progress.isSettled(ordinal)) continue;
      const unverified = verified === "";
      const since = timeOf(seq) ?? receivedAt;
      const { attempts, nextAt } = progress.postponedAt(ordinal) ?? { attempts: 0, nextAt: 0 };
      const events = lanes.length;
      const place = { seq, hour, ordinal, route, lanes, size, events, unverified, since };
      this.#admit({ ...place, attempts, nextAt });
    }
    this.#hours.set(hour, { progress, count });
  }

  *#keys(): Generator<Uint8Array> {
    for (const hour of this.#tables.hours) {
      for (const { seq, keys } of this.#tables.keys(hour)) {
        if (this.#index.get(seq) !== undefined) yield keys;
      }
    }
    yield* this.dead.keys();
  }

  #read(
    hour: number,
    seq: number,
  ):
    | { readonly ok: true; readonly delivery: StoredDelivery }
    | { readonly ok: false; readonly isFault: boolean; readonly cause: unknown } {
    try {
      const delivery = this.#tables.read(hour, seq);
      if (delivery !== undefined) return { ok: true, delivery };
      return { ok: false, isFault: false, cause: "no such row" };
    } catch (cause) {
      return { ok: false, isFault: !(cause instanceof $ZodError), cause };
    }
  }
}
