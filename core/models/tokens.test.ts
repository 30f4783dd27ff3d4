import { expect, test } from "vitest";
import { TokenCount } from "./tokens.ts";

test.each([
  [0, 0],
  [12, 12],
  [12.9, 12],
  [1e300, 1e12],
])("%d tokens, as a provider has counted, are %d", (counted, kept) => {
  expect(TokenCount.parse(counted)).toBe(kept);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "7"])(
  "%s is no number of tokens",
  (counted) => {
    expect(TokenCount.safeParse(counted).success).toBe(false);
  },
);
