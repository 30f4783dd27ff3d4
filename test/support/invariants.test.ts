import { expect, test } from "vitest";
import { bodyOf, EdgeLog, Ledger, strayIn } from "./invariants.ts";

test("a ledger tells what was acknowledged and lost, and what was done twice", () => {
  const ledger = new Ledger();
  for (const id of ["a", "b", "c"]) ledger.acknowledge(id);
  expect([ledger.commit("a"), ledger.commit("a"), ledger.commit("b")]).toEqual([
    "committed",
    "duplicate",
    "committed",
  ]);
  expect([ledger.lost, ledger.doubled, ledger.order]).toEqual([["c"], [], ["a", "b"]]);
  ledger.execute("b");
  expect(ledger.doubled).toEqual(["b"]);
});

test("a byte of another body, a byte too many and a byte changed are seen; a beginning is right", () => {
  const body = bodyOf(7, 1_000);
  expect(strayIn(body, 7, 1_000)).toBeUndefined();
  expect(strayIn(body.subarray(0, 400), 7, 1_000)).toBeUndefined();
  expect(strayIn(bodyOf(8, 1_000), 7, 1_000)).toContain("wrong at 3");
  expect(strayIn(body, 7, 999)).toContain("1000 bytes of 999");
  const changed = body.slice();
  changed[999] = (changed[999] ?? 0) ^ 1;
  expect(strayIn(changed, 7, 1_000)).toContain("wrong at 999");
});

test("a log tells events apart from complaints", () => {
  const log = new EdgeLog();
  log.onLine('{"level":"info","event":"relay_awake","core":true}');
  log.onLine('{"level":"error","event":"alarm_failed","err":"x"}');
  log.onLine("Uncaught Error: boom");
  expect(log.count("relay_awake")).toBe(1);
  expect(log.complaints()).toHaveLength(2);
  expect(log.complaints(["alarm_failed"])).toEqual(["Uncaught Error: boom"]);
});
