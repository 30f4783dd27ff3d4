import { expect, test } from "vitest";
import { nearest } from "./suggest.ts";

const KEYS = ["port", "bind", "auth", "publicOrigin", "http", "botToken"];

test.each([
  ["prot", "port"],
  ["Bind", "bind"],
  ["publicorigin", "publicOrigin"],
  ["public_origin", "publicOrigin"],
  ["bottoken", "botToken"],
  ["autn", "auth"],
  ["somethingElse", undefined],
  ["x", undefined],
  ["", undefined],
  ["p".repeat(10_000), undefined],
])("for %s it suggests %s", (typo, expected) => {
  expect(nearest(typo, KEYS)).toBe(expected);
});

test("with nothing to choose from there is no suggestion", () => {
  expect(nearest("port", [])).toBeUndefined();
});
