import { expect, test } from "vitest";
import { type Exit, STEADY_MS, afterExit } from "./after-exit.ts";

const killed: Exit = { code: null, signal: "SIGKILL", wasReady: true, uptimeMs: 1_000 };
const running = { everReady: true, attempt: 0 };

test.each([
  ["ends with 0", { ...killed, code: 0, signal: null }, running, 0],
  ["finds its configuration broken", { ...killed, code: 78, signal: null }, running, 78],
  [
    "fails before it was ever ready",
    { ...killed, code: 3, signal: null },
    { everReady: false, attempt: 0 },
    3,
  ],
  ["is killed before it was ever ready", killed, { everReady: false, attempt: 0 }, 1],
])("a process that %s stops everything", (_name, exit, history, exitCode) => {
  expect(afterExit(exit, history, () => 0)).toEqual({ next: "stop", exitCode });
});

test.each([
  ["killed", killed],
  ["crashed", { ...killed, code: 1, signal: null }],
  ["out of memory", { ...killed, code: 134, signal: null }],
])("a process that was %s is started again", (_name, exit) => {
  expect(afterExit(exit, running, () => 0)).toMatchObject({ next: "restart", attempt: 1 });
});

test("the pause grows with every crash, from a quarter of a second to five", () => {
  const almostOne = 1 - Number.EPSILON;
  const pauses = [0, 1, 2, 3, 4, 5, 50].map((attempt) => {
    const decision = afterExit(killed, { everReady: true, attempt }, () => almostOne);
    return decision.next === "restart" ? Math.round(decision.delayMs) : undefined;
  });
  expect(pauses).toEqual([500, 750, 1250, 2250, 4250, 5000, 5000]);
  expect(afterExit(killed, { everReady: true, attempt: 50 }, () => 0)).toMatchObject({
    delayMs: 250,
  });
});

test("a crash after a long steady run counts as the first", () => {
  const exit = { ...killed, uptimeMs: STEADY_MS };
  expect(afterExit(exit, { everReady: true, attempt: 6 }, () => 0)).toMatchObject({ attempt: 1 });
});

test("a run that never got ready does not count as steady, however long it took", () => {
  const exit = { ...killed, wasReady: false, uptimeMs: STEADY_MS };
  expect(afterExit(exit, { everReady: true, attempt: 6 }, () => 0)).toMatchObject({ attempt: 7 });
});
