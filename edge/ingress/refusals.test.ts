import { expect, test } from "vitest";
import { Refusals } from "./refusals.ts";

const MINUTE_MS = 60_000;

test("what is turned away is told once, by route and reason", () => {
  const refusals = new Refusals();
  expect(refusals.take()).toBeUndefined();
  for (const reason of ["mismatch", "mismatch", "stale"] as const) refusals.note("a", reason, 0);
  refusals.note("b", "mismatch", 0);
  expect(refusals.take()).toEqual([
    { route: "a", reason: "mismatch", count: 2 },
    { route: "a", reason: "stale", count: 1 },
    { route: "b", reason: "mismatch", count: 1 },
  ]);
  expect(refusals.take()).toBeUndefined();
  refusals.note("a", "mismatch", 1);
  expect(refusals.take()).toEqual([{ route: "a", reason: "mismatch", count: 1 }]);
});

test("the log has one line a minute of each, with how many there were", () => {
  const refusals = new Refusals();
  const lines: (number | undefined)[] = [];
  for (let now = 0; now <= 2 * MINUTE_MS; now += 100) {
    const count = refusals.note("a", "mismatch", now);
    if (count !== undefined) lines.push(count);
  }
  expect(lines).toEqual([1, 600, 600]);
  expect(refusals.note("a", "stale", 2 * MINUTE_MS)).toBe(1);
});

test("a flood is reported once a minute, and nothing is reported of a minute without any", () => {
  const refusals = new Refusals();
  expect(refusals.takeIfDue(0)).toBeUndefined();
  let reports = 0;
  for (let now = 0; now < 3 * MINUTE_MS; now += 50) {
    refusals.note("a", "mismatch", now);
    if (refusals.takeIfDue(now) !== undefined) reports += 1;
  }
  expect(reports).toBe(3);
});

test("a report has a limit, and the rest is in the next", () => {
  const refusals = new Refusals();
  for (let route = 0; route < 100; route += 1) refusals.note(`r${route}`, "mismatch", 0);
  const [first, second] = [refusals.take(), refusals.take()];
  expect([first?.length, second?.length]).toEqual([64, 36]);
  expect(refusals.take()).toBeUndefined();
});

test("routes without end are counted together in the end, and none is lost", () => {
  const refusals = new Refusals();
  for (let route = 0; route < 5_000; route += 1) refusals.note(`r${route}`, "mismatch", 0);
  let total = 0;
  let kinds = 0;
  for (let report = refusals.take(); report !== undefined; report = refusals.take()) {
    kinds += report.length;
    for (const { count } of report) total += count;
  }
  expect(total).toBe(5_000);
  expect(kinds).toBeLessThanOrEqual(1_025);
});

test("routes that have come and gone make room once they were told", () => {
  const refusals = new Refusals();
  for (let route = 0; route < 5_000; route += 1) {
    refusals.note(`r${route}`, "mismatch", 0);
    expect(refusals.take()).toEqual([{ route: `r${route}`, reason: "mismatch", count: 1 }]);
  }
});
