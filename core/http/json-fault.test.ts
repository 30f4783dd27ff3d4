import { expect, test } from "vitest";
import { findJsonFault } from "./json-fault.ts";

test.each([
  ["nothing", "", 1, 1],
  ["a list cut short", "[1, 2", 1, 6],
  ["a string cut short", '{"a": "b', 1, 9],
  ["a missing value", '{"a":}', 1, 6],
  ["a key without quotes", "{a: 1}", 1, 2],
  ["a comma at the end of an object", '{"a": 1,}', 1, 9],
  ["a comma at the end of a list", "[1,]", 1, 4],
  ["two values", "{} {}", 1, 4],
  ["a wrong bracket", '{"a": [1}', 1, 9],
  ["a number with a leading zero", "[01]", 1, 3],
  ["a bare word", "hello", 1, 1],
  ["an unknown escape", String.raw`["\x"]`, 1, 3],
  ["a line break inside a string", '["a\n"]', 1, 4],
  ["a fault on a later line", '{\n  "a": 1\n  "b": 2\n}', 3, 3],
  ["a single quote", "{'a': 1}", 1, 2],
])("%s is found", (_name, text, line, column) => {
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
  expect(findJsonFault(text)).toEqual({ line, column });
});

test("a fault behind a megabyte of text is found", () => {
  const text = `["${"x".repeat(1_000_000)}"!`;
  expect(findJsonFault(text)).toEqual({ line: 1, column: 1_000_004 });
});

test("a hundred thousand open brackets do not exhaust the stack", () => {
  expect(findJsonFault("[".repeat(100_000))).toEqual({ line: 1, column: 100_001 });
});
