import { expect, test } from "vitest";
import { valueAt } from "./json-path.ts";

const root = { a: { b: [{ "c d": { e: 1 } }, "second"], "": "empty" }, n: null, "x-y": true };

test.each([
  ["$", root],
  ["", root],
  ["$.a.b[1]", "second"],
  ["a.b[1]", "second"],
  ['$.a.b[0]["c d"].e', 1],
  ["$['a']['b'][0]['c d']", { e: 1 }],
  ['$["x-y"]', true],
  ["x-y", true],
  ["$.n", null],
  ['a[""]', "empty"],
])("%s names a value", (path, value) => {
  expect(valueAt(root, path)).toEqual(value);
});

test.each([
  ["a name that is not there", "$.z"],
  ["a value below nothing", "$.n.z"],
  ["a value below text", "a.b[1].length"],
  ["an index behind the end", "a.b[2]"],
  ["what every object has", "$.constructor"],
  ["what every list has", "a.b.length2"],
  ["the prototype", "__proto__"],
  ["a wildcard", "$.a.b[*]"],
  ["a filter", "$.a.b[?(@.c)]"],
  ["a descent", "$..b"],
  ["an open bracket", "$.a[0"],
  ["an open quote", '$.a["b'],
  ["half a step", "$.a."],
])("%s names nothing", (_name, path) => {
  expect(valueAt(root, path)).toBeUndefined();
});

test("a path has an end", () => {
  let deep: unknown = "bottom";
  for (let depth = 0; depth < 33; depth += 1) deep = { a: deep };
  expect(valueAt(deep, `$${".a".repeat(32)}`)).toEqual({ a: "bottom" });
  expect(valueAt(deep, `$${".a".repeat(33)}`)).toBeUndefined();
});
