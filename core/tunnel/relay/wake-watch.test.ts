import { expect, onTestFinished, test, vi } from "vitest";
import { type Clocks, type Pause, pauseBetween, watchWake } from "./wake-watch.ts";

const START: Clocks = { wall: 1_700_000_000_000, steady: 500, cpu: 90_000 };

function later({ wall, steady, cpu }: Clocks, by: Clocks): Clocks {
  return { wall: wall + by.wall, steady: steady + by.steady, cpu: cpu + by.cpu };
}

test.each<[string, number, number, number, Pause | undefined]>([
  ["a second", 1_000, 1_000, 5, undefined],
  ["a busy moment", 4_900, 4_900, 900, undefined],
  ["a sleep in which the steady clock stood still", 28_800_000, 1_000, 5, slept(28_799_000)],
  ["a sleep in which it went on", 60_000, 60_000, 20, slept(59_000)],
  ["a short sleep in which it went on", 6_000, 6_000, 20, slept(5_000)],
  ["a sleep after a second of hard work", 28_800_000, 1_000, 4_000, slept(28_799_000)],
  ["a sleep after one, in which the clock went on", 90_000, 90_000, 4_000, slept(89_000)],
  ["a process that was stopped", 8_000, 8_000, 100, slept(7_000)],
  ["a processor that others had", 6_000, 6_000, 400, starved(5_000)],
  ["a loop that computes and does not look up", 9_000, 9_000, 9_100, starved(8_000)],
  ["a clock that is set back", -3_600_000, 1_000, 5, undefined],
  ["a clock that is set back, after a sleep", -3_600_000, 60_000, 20, slept(59_000)],
  ["a clock that is set back, on a busy machine", -3_600_000, 6_000, 2_000, starved(5_000)],
  ["a clock that is set forward", 3_600_000, 1_000, 900, slept(3_599_000)],
])("%s", (_name, wall, steady, cpu, pause) => {
  expect(pauseBetween(START, later(START, { wall, steady, cpu }))).toEqual(pause);
});

test("a pause is told once, within a second of its end", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let clocks = START;
  const told: Pause[] = [];
  const watch = watchWake(
    () => clocks,
    (pause) => told.push(pause),
  );
  onTestFinished(() => watch[Symbol.dispose]());
  const pass = (wall: number, steady: number, cpu: number): void => {
    clocks = later(clocks, { wall, steady, cpu });
    vi.advanceTimersByTime(1_000);
  };
  pass(1_000, 1_000, 10);
  pass(3_600_000, 1_000, 10);
  pass(1_000, 1_000, 10);
  pass(7_000, 7_000, 3_000);
  pass(1_000, 1_000, 900);
  expect(told).toEqual([slept(3_599_000), starved(6_000)]);
});

function slept(pauseMs: number): Pause {
  return { kind: "slept", pauseMs };
}

function starved(pauseMs: number): Pause {
  return { kind: "starved", pauseMs };
}
