import { expect, test } from "vitest";
import { fuzz } from "../../test/fuzz/run.ts";

// The long run is a command of its own: `npm run fuzz`.
const CASES = 10_000;

test("hostile bytes and random conversations break nothing", () => {
  expect(fuzz(1, CASES)).toBe(CASES);
});
