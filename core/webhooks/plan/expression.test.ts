import { expect, test } from "vitest";
import { matchesPart } from "./expression.ts";

test.each([
  [/^a+$/u, "aaa", true],
  [/^a+$/u, "aab", false],
  [/b/u, "aab", true],
  [/x{0}/u, "", true],
  [/\p{Emoji}/u, "a 🏰", true],
])("%s in %j: %s", (expression, text, found) => {
  expect(matchesPart(expression, text)).toBe(found);
});

test.each([
  [/^(\w+\s?)*$/u, `${"a".repeat(60)}!`],
  [/^.*.*.*=$/u, "a".repeat(8_192)],
])("%s is stopped where it would take for ever", (expression, text) => {
  expect(() => matchesPart(expression, text)).toThrow(
    expect.objectContaining({ code: "invalid_request" }),
  );
  expect(matchesPart(expression, "")).toBe(expression.test(""));
});
