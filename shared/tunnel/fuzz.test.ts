import { expect, test } from "vitest";
import { fuzz, runCase } from "../../test/fuzz/run.ts";

// The long run is a command of its own: `npm run fuzz`.
const CASES = 10_000;

test("hostile bytes and random conversations break nothing", () => {
  expect(fuzz(1, CASES)).toBe(CASES);
});

test("a relay that slept within a long message does not give its credit back twice", () => {
  // A conversation that once ended with more credit than was ever given.
  expect(() => runCase(99, 667_000)).not.toThrow();
});
