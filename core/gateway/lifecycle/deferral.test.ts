import { expect, test } from "vitest";
import { nextStep, type Step, type Wish, YOUNG_MS } from "./deferral.ts";

const NOW = 1_000_000;
const WISH: Wish = { from: 0, deadline: NOW + 300_000, restUntil: 0, forced: false };
const young = { kind: "http", since: NOW - 1 };
const old = { kind: "channel", since: NOW - YOUNG_MS };

test.each<[string, readonly (typeof young)[], Partial<Wish>, Step]>([
  ["with nothing under way it is tried", [], {}, { do: "try" }],
  ["what is young may end in a moment", [young, young], {}, { do: "try" }],
  ["what is old is waited for", [young, old], {}, { do: "wait", for: "work", ms: 300_000 }],
  [
    "what is young is left alone after a try in vain",
    [young],
    { restUntil: NOW + 6_000 },
    { do: "wait", for: "work", ms: 6_000 },
  ],
  [
    "but not beyond the deadline",
    [young],
    { restUntil: NOW + 6_000, deadline: NOW + 10 },
    { do: "wait", for: "work", ms: 10 },
  ],
  [
    "with nothing under way there is nobody to be left alone",
    [],
    { restUntil: NOW + 1 },
    { do: "try" },
  ],
  ["at the deadline nothing is waited for", [old], { deadline: NOW }, { do: "cut" }],
  [
    "without a deadline what is old is waited for as long as it takes",
    [old],
    { deadline: undefined },
    { do: "wait", for: "work", ms: Number.POSITIVE_INFINITY },
  ],
  ["who does not mind does not wait", [old], { forced: true }, { do: "cut" }],
  [
    "one for later waits for its time",
    [],
    { from: NOW + 50, forced: true },
    { do: "wait", for: "time", ms: 50 },
  ],
])("%s", (_name, jobs, wish, step) => {
  expect(nextStep(jobs, { ...WISH, ...wish }, NOW)).toEqual(step);
});
