import { expect, test } from "vitest";
import { changedPaths } from "./changes.ts";

test.each<[string, unknown, unknown, string[]]>([
  ["nothing", { a: { b: 1 } }, { a: { b: 1 } }, []],
  ["the order of keys", { a: 1, b: 2 }, { b: 2, a: 1 }, []],
  ["a value", { a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }, ["a.c"]],
  ["a section that came", {}, { a: { b: { c: 1 } } }, ["a.b.c"]],
  ["a section that went", { a: { b: 1, c: 2 } }, {}, ["a.b", "a.c"]],
  ["an empty section that came", {}, { a: { b: {} } }, ["a.b"]],
  ["a list, as a whole", { a: [1, 2] }, { a: [1, 3] }, ["a"]],
  ["a value that became a section", { a: 1 }, { a: { b: 1 } }, ["a"]],
  ["a null that became text", { a: null }, { a: "x" }, ["a"]],
  [
    "a key that every object has",
    {},
    JSON.parse('{"constructor":1,"__proto__":2}'),
    ["constructor", "__proto__"],
  ],
])("%s", (_name, before, after, paths) => {
  expect(changedPaths(before, after)).toEqual(paths);
});
