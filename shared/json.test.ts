import { expect, test } from "vitest";
import { jsonOrUndefined } from "./json.ts";

test.each([
  ['{"a":[1]}', { a: [1] }],
  ["null", null],
  ["", undefined],
  ["{", undefined],
  ["undefined", undefined],
])("%j is read as %j", (text, expected) => {
  expect(jsonOrUndefined(text)).toEqual(expected);
});
