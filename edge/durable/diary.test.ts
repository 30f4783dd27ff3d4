import { expect, test } from "vitest";
import { Diary } from "./diary.ts";

test("the first thing after a sleep is what has ended it", () => {
  const diary = new Diary({}, 1_000);
  diary.note("webhook", 1_000);
  diary.note("request", 1_500);
  expect(diary.wakes).toEqual({ webhook: 1 });
});

test("periods add up over sleeps, each with the quiet at its end", () => {
  const first = new Diary({}, 1_000);
  first.note("request", 4_000);
  const second = new Diary(first.entries, 60_000);
  second.note("socket", 60_000);
  const third = new Diary(second.entries, 100_000);
  third.note("socket", 100_000);
  expect(third.awakeMs(100_500)).toBe(13_000 + 10_000 + 500);
  expect(third.wakes).toEqual({ request: 1, socket: 2 });
});
