import { expect, test } from "vitest";
import { Questions, type Seeker } from "./questions.ts";

const PAUSE_MS = 60_000;

/** How many of a second's worth of tries are asked, in so many minutes. */
function asked(seeker: Seeker, minutes: number, questions = new Questions()): number {
  let count = 0;
  for (let now = 0; now < minutes * PAUSE_MS; now += 1_000) {
    if (questions.take(seeker, PAUSE_MS, now) !== undefined) count += 1;
  }
  return count;
}

test.each<[Seeker, number]>([
  ["client", 3],
  ["core", 3],
  ["webhook", 3],
  ["newcomer", 3 + 3],
])("a flood of %ss asks so often in three minutes: %i times", (seeker, times) => {
  expect(asked(seeker, 3)).toBe(times);
});

test("none of them takes what is for another", () => {
  const questions = new Questions();
  asked("client", 1, questions);
  asked("newcomer", 1, questions);
  expect(questions.take("webhook", PAUSE_MS, 0)).toBeDefined();
});

test("a question that was not in vain costs nothing", () => {
  const questions = new Questions();
  for (let now = 0; now < 10; now += 1) questions.take("client", PAUSE_MS, now)?.();
  expect(questions.take("client", PAUSE_MS, 10)).toBeDefined();
  expect(questions.take("client", PAUSE_MS, 11)).toBeUndefined();
});

test("where less time has to be between two, the next comes sooner", () => {
  const questions = new Questions();
  questions.take("client", PAUSE_MS, 0);
  expect(questions.take("client", PAUSE_MS, 1_000)).toBeUndefined();
  expect(questions.take("client", 1_000, 1_000)).toBeDefined();
});
