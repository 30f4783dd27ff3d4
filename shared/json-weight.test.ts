import { expect, test } from "vitest";
import { isTooHeavy, JSON_LIMITS } from "./json-weight.ts";

const { maxDepth, maxValues } = JSON_LIMITS;

test.each([
  ["nothing", ""],
  ["a number", "1"],
  ["as deep as it may be", "[".repeat(maxDepth) + "]".repeat(maxDepth)],
  ["deep again and again", `[${"[[]],".repeat(10_000)}1]`],
  ["as many as there may be", `[${"0,".repeat(maxValues - 1)}0]`],
  ["a long text", JSON.stringify("x".repeat(10_000_000))],
  ["brackets in a text", JSON.stringify("[{".repeat(maxDepth))],
  ["brackets behind an escaped quote", JSON.stringify(`\\"${"[".repeat(maxDepth + 1)}`)],
  ["brackets behind escaped backslashes", JSON.stringify(`\\\\${"[".repeat(maxDepth + 1)}`)],
  ["brackets in the name of a property", JSON.stringify({ ["[".repeat(maxDepth + 1)]: 1 })],
  ["commas in a text", JSON.stringify(",".repeat(maxValues + 1))],
])("%s may be parsed", (_name, text) => {
  expect(isTooHeavy(text)).toBe(false);
});

test.each([
  ["a tower of arrays", "[".repeat(maxDepth + 1)],
  ["a tower of objects", '{"a":'.repeat(maxDepth + 1)],
  ["a tower of both", '[{"a":'.repeat(maxDepth)],
  ["a tower behind a text", `["\\\\",${"[".repeat(maxDepth)}`],
  ["a wide array", `[${"0,".repeat(maxValues)}0]`],
  ["a wide array of objects", "{},".repeat(maxValues)],
])("%s may not", (_name, text) => {
  expect(isTooHeavy(text)).toBe(true);
});
