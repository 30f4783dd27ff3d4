import pino from "pino";
import { expect, test } from "vitest";
import { Refusals } from "./refusals.ts";

function counted() {
  let now = 1_000;
  const lines: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
  const refusals = new Refusals(log, () => now);
  return {
    refusals,
    lines,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

const FACTS = { requestId: "r-1" };

test("each refusal is counted, and said once a minute with how many there were", () => {
  const { refusals, lines, pass } = counted();
  for (let times = 0; times < 5; times += 1) refusals.note("github", "mismatch", FACTS);
  refusals.note("github", "stale", FACTS);
  expect([...refusals.counts()]).toEqual([
    ["github mismatch", 5],
    ["github stale", 1],
  ]);
  expect(lines).toHaveLength(2);
  pass(59_999);
  refusals.note("github", "mismatch", FACTS);
  expect(lines).toHaveLength(2);
  pass(1);
  refusals.note("github", "mismatch", FACTS);
  expect(JSON.parse(lines[2] ?? "")).toMatchObject({
    route: "github",
    reason: "mismatch",
    requestId: "r-1",
    count: 6,
    msg: "webhook refused: its sender is not who it should be",
  });
});

test("routes that come and go without end are counted as one in the end", () => {
  const { refusals } = counted();
  for (let index = 0; index < 10_000; index += 1) {
    refusals.note(`route-${index}`, "mismatch", FACTS);
  }
  const counts = refusals.counts();
  expect(counts.size).toBeLessThan(5_000);
  expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(10_000);
  expect(counts.get("* mismatch")).toBeGreaterThan(5_000);
});
