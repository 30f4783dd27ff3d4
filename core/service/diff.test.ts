import { expect, test } from "vitest";
import { diffLines } from "./diff.ts";

test.each([
  ["nothing for the same text", "a\nb\n", "a\nb\n", []],
  ["all of a new one", "", "a\nb\n", ["+a", "+b"]],
  ["all of one that goes", "a\nb\n", "", ["-a", "-b"]],
  ["a line in the middle", "a\nb\nc\n", "a\nx\nc\n", [" a", "-b", "+x", " c"]],
  ["lines that come between", "a\nc\n", "a\nb\nb\nc\n", [" a", "+b", "+b", " c"]],
  ["a line that moves", "a\nb\nc\n", "b\nc\na\n", ["-a", " b", " c", "+a"]],
  ["lines that are empty", "a\n\nb\n", "a\nb\n", [" a", "-", " b"]],
])("it shows %s", (_name, before, after, lines) => {
  expect(diffLines(before, after)).toEqual(lines);
});
