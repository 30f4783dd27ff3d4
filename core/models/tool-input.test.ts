import { expect, test } from "vitest";
import { parseToolInput } from "./tool-input.ts";

test.each([
  ["an object", '{"a":[1]}', { ok: true, value: { a: [1] } }],
  ["nothing", "", { ok: true, value: {} }],
  ["white space", " \n", { ok: true, value: {} }],
  ["half an object", '{"a":', { ok: false, error: { reason: "not_json" } }],
  ["a list", "[1]", { ok: false, error: { reason: "not_an_object" } }],
  ["null", "null", { ok: false, error: { reason: "not_an_object" } }],
  ["a string", '"{}"', { ok: false, error: { reason: "not_an_object" } }],
])("an input that is %s is told apart", (_name, input, expected) => {
  expect(parseToolInput({ id: "c", name: "t", input })).toEqual(expected);
});

test("a hostile key does not reach the prototype", () => {
  const parsed = parseToolInput({ id: "c", name: "t", input: '{"__proto__":{"admin":true}}' });
  expect(parsed.ok && "admin" in parsed.value).toBe(false);
});
