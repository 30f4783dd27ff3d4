import { expect, test } from "vitest";
import { LIMITS } from "../../../shared/limits.ts";
import { type Key, packKeys } from "./key-table.ts";
import { Seen, type SeenBatch } from "./seen.ts";

/** A relay's storage, and its clock. */
class Shelf {
  readonly rows = new Map<number, SeenBatch>();
  stored: Uint8Array[] = [];
  writes = 0;
  fails = false;
  now = 1_000;

  seen(carried: readonly Uint8Array[] = []): Seen {
    return new Seen({
      rows: {
        read: () => this.rows.values(),
        write: (place, batch) => {
          if (this.fails) throw new Error("disk I/O error");
          this.writes += 1;
          this.rows.set(place, batch);
        },
      },
      stored: () => this.stored,
      carried,
      now: () => this.now,
    });
  }
}

/** Spread as digests are. */
function keys(from: number, count: number): Key[] {
  return Array.from({ length: count }, (_v, index) =>
    BigInt.asUintN(64, BigInt(from + index) * 0x9e37_79b9_7f4a_7c15n),
  );
}

test("what the core has committed is known, and what nobody has heard of is not", () => {
  const seen = new Shelf().seen();
  const [one, two] = [keys(1, 1), keys(2, 1)];
  seen.committed(one);
  expect(seen.unknown([...one, ...two])).toEqual(two);
});

test("16,383 ids write no row, and the newest 1,024 survive a sleep in between", () => {
  const shelf = new Shelf();
  const first = shelf.seen();
  first.committed(keys(1, 1_024));
  const second = shelf.seen([first.carried]);
  expect(second.unknown(keys(1, 1_024))).toEqual([]);
  second.committed(keys(1_025, 15_359));
  expect(second.carried.byteLength).toBe(8_192);
  expect(shelf.writes).toBe(0);
  expect(shelf.seen([second.carried]).unknown(keys(15_360, 1_024))).toEqual([]);
  second.committed(keys(16_384, 1));
  expect([shelf.writes, second.carried.byteLength]).toEqual([1, 0]);
  expect(shelf.seen().unknown(keys(1, 16_384))).toEqual([]);
});

test("a relay that nobody asked carries on what it was given", () => {
  const shelf = new Shelf();
  const packed = packKeys(keys(1, 3));
  expect(shelf.seen([packed, packed]).carried).toEqual(packed);
});

test("with the last core what it carried is written down, once, and the row is filled up later", () => {
  const shelf = new Shelf();
  const first = shelf.seen();
  first.committed(keys(1, 10));
  first.flush();
  first.flush();
  expect([shelf.writes, first.carried.byteLength]).toEqual([1, 0]);
  const second = shelf.seen();
  expect(second.unknown(keys(1, 10))).toEqual([]);
  second.committed(keys(11, 16_374));
  expect([shelf.writes, shelf.rows.size]).toEqual([2, 1]);
  expect(shelf.seen().unknown(keys(1, 16_384))).toEqual([]);
});

test("a relay that has nothing to write down writes nothing", () => {
  const shelf = new Shelf();
  shelf.seen([new Uint8Array(0)]).flush();
  expect(shelf.writes).toBe(0);
});

test("what waits or is dead is known as long as it is stored", () => {
  const shelf = new Shelf();
  shelf.stored = [packKeys(keys(1, 2))];
  const seen = shelf.seen();
  expect(seen.unknown(keys(1, 2))).toEqual([]);
  shelf.stored = [packKeys(keys(1, 1))];
  seen.forget();
  expect(seen.unknown(keys(1, 2))).toEqual(keys(2, 1));
});

test("ids older than eight days are forgotten, and the count of rows goes on", () => {
  const shelf = new Shelf();
  const first = shelf.seen();
  first.committed(keys(1, 16_384));
  shelf.now += LIMITS.dedupeMs + 1;
  const second = shelf.seen();
  expect(second.unknown(keys(1, 1))).toEqual(keys(1, 1));
  second.committed(keys(20_000, 16_384));
  expect([...shelf.rows.keys()]).toEqual([0, 1]);
});

test("200,000 ids are kept, and the oldest are written over", () => {
  const shelf = new Shelf();
  const seen = shelf.seen();
  seen.committed(keys(1, 240_000));
  seen.flush();
  expect(shelf.rows.size).toBe(14);
  const again = shelf.seen();
  expect(again.unknown(keys(1, 1))).toEqual(keys(1, 1));
  expect(again.unknown(keys(240_000 - 199_999, 200_000))).toEqual([]);
});

test("a storage that fails costs the memory of some ids, and no webhook", () => {
  const shelf = new Shelf();
  const seen = shelf.seen();
  shelf.fails = true;
  seen.committed(keys(1, 20_000));
  expect(seen.unknown(keys(1, 20_000))).toEqual([]);
  expect(seen.carried.byteLength).toBeLessThanOrEqual(8_192);
  shelf.fails = false;
  seen.committed(keys(20_001, 1));
  expect(shelf.seen([seen.carried]).unknown(keys(20_001, 1))).toEqual([]);
});
