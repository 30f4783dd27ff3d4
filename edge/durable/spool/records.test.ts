import { expect, test } from "vitest";
import { NONE, Records } from "./records.ts";

test("each record keeps its own numbers, however many there are", () => {
  const records = new Records({ floats: 2, words: 3 });
  const made = Array.from({ length: 10_000 }, (_v, index) => {
    const record = records.make();
    records.setFloat(record, 0, index + 0.5);
    records.setFloat(record, 1, -index);
    for (const field of [0, 1, 2]) records.setWord(record, field, index * 3 + field);
    return record;
  });
  expect(new Set(made).size).toBe(10_000);
  expect(made).not.toContain(NONE);
  for (const [index, record] of made.entries()) {
    const floats = [records.float(record, 0), records.float(record, 1)];
    const words = [0, 1, 2].map((field) => records.word(record, field));
    if (floats[0] !== index + 0.5 || floats[1] !== -index) expect.fail(`floats of ${index}`);
    if (words.join() !== [0, 1, 2].map((field) => index * 3 + field).join()) {
      expect.fail(`words of ${index}`);
    }
  }
});

test("a released record is given again, with nothing in it", () => {
  const records = new Records({ floats: 1, words: 2 });
  const made = [1, 2, 3].map((number) => {
    const record = records.make();
    records.setFloat(record, 0, number);
    records.setWord(record, 0, number);
    records.setWord(record, 1, number);
    return record;
  });
  for (const record of made) records.release(record);
  const again = made.map(() => records.make());
  expect(new Set(again)).toEqual(new Set(made));
  for (const record of again) {
    expect([records.float(record, 0), records.word(record, 0), records.word(record, 1)]).toEqual([
      0, 0, 0,
    ]);
  }
});

test("after it was cleared it begins anew", () => {
  const records = new Records({ floats: 1, words: 1 });
  const first = records.make();
  records.setFloat(first, 0, 9);
  records.release(records.make());
  records.clear();
  expect(records.make()).toBe(first);
  expect(records.float(first, 0)).toBe(0);
});
