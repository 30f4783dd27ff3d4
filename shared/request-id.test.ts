import { expect, test } from "vitest";
import { requestId } from "./request-id.ts";

const FRESH = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test.each(["abcdefgh", "01J9Z3.K-x_y", "a".repeat(64)])("%s is kept", (given) => {
  expect(requestId(given)).toBe(given);
});

test.each([
  ["missing", undefined],
  ["null", null],
  ["empty", ""],
  ["too short", "abcdefg"],
  ["too long", "a".repeat(65)],
  ["with a line break", "abcdefgh\nforged"],
  ["ending in one", "abcdefgh\n"],
  ["with a space", "abcd efgh"],
  ["with markup", "<script>alert"],
  ["not ASCII", "äbcdefghij"],
])("an id that is %s is replaced", (_name, given) => {
  expect(requestId(given)).toMatch(FRESH);
});

test("fresh ids differ", () => {
  expect(requestId(undefined)).not.toBe(requestId(undefined));
});
