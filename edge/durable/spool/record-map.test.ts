import { expect, test } from "vitest";
import { RecordMap } from "./record-map.ts";
import { NONE } from "./records.ts";

/** A map over numbers that stand in a list: record 1 is its first. */
function mapOver(keys: readonly number[]): RecordMap {
  return new RecordMap((record) => keys[record - 1] ?? -1);
}

test.each<[string, (index: number) => number]>([
  ["in a row", (index) => index],
  ["microseconds", (index) => 1_760_000_000_000_000 + index * 1_000],
  ["far apart", (index) => index * 2 ** 32],
  ["up to the largest", (index) => Number.MAX_SAFE_INTEGER - index],
])("numbers that are %s are found, and others are not", (_name, keyAt) => {
  const keys = Array.from({ length: 20_000 }, (_v, index) => keyAt(index));
  const map = mapOver(keys);
  for (let record = 1; record <= keys.length; record += 1) map.set(record);
  expect(map.size).toBe(keys.length);
  const wrong = keys.filter((key, index) => map.get(key) !== index + 1);
  expect(wrong).toEqual([]);
  expect(map.get(keyAt(20_000))).toBe(NONE);
});

test("whatever is deleted, the others are found still", () => {
  // Few enough numbers that chains of places are long.
  const keys = Array.from({ length: 900 }, (_v, index) => (index * 7_919) % 4_096);
  const map = mapOver(keys);
  const model = new Map<number, number>();
  let state = 1;
  for (let step = 0; step < 50_000; step += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const record = 1 + ((state >>> 8) % keys.length);
    const key = keys[record - 1] ?? 0;
    if ((state >>> 4) % 2 === 0) {
      map.set(record);
      model.set(key, record);
    } else {
      map.delete(key);
      model.delete(key);
    }
    if (map.size !== model.size) expect.fail(`${map.size} of ${model.size} at ${step}`);
  }
  for (const key of keys) expect(map.get(key)).toBe(model.get(key) ?? NONE);
});

test("one of the same number takes the place of the other", () => {
  const map = mapOver([5, 5]);
  map.set(1);
  map.set(2);
  expect([map.get(5), map.size]).toEqual([2, 1]);
  map.delete(5);
  expect([map.get(5), map.size]).toEqual([NONE, 0]);
});

test("after it was cleared nothing is in it", () => {
  const map = mapOver([1, 2, 3]);
  for (const record of [1, 2, 3]) map.set(record);
  map.clear();
  expect([map.size, map.get(2)]).toEqual([0, NONE]);
});
