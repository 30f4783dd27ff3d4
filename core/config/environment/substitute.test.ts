import { expect, test } from "vitest";
import { substitute } from "./substitute.ts";

const VARIABLES: Readonly<Record<string, string>> = {
  TOKEN: "s3cret",
  _A1: "x",
  NESTED: "${TOKEN}",
};
const lookup = (name: string): string | undefined => VARIABLES[name];

test.each([
  ["${TOKEN}", "s3cret"],
  ["Bearer ${TOKEN}!", "Bearer s3cret!"],
  ["${TOKEN}${_A1}", "s3cretx"],
  ["$${TOKEN}", "${TOKEN}"],
  ["$$${TOKEN}", "$${TOKEN}"],
  ["${token} $TOKEN ${} ${1A} ${A-B} ${ TOKEN }", "${token} $TOKEN ${} ${1A} ${A-B} ${ TOKEN }"],
  ["${NESTED}", "${TOKEN}"],
  ["${__proto__}", "${__proto__}"],
  ["", ""],
])("%s becomes %s", (text, expected) => {
  expect(substitute(text, lookup)).toEqual({ value: expected, missing: [] });
});

test("a variable that is not set stays in the text and is named with its place", () => {
  const config = { a: ["x", { b: "${GONE} and ${TOKEN}" }], c: "$${GONE}" };
  expect(substitute(config, lookup)).toEqual({
    value: { a: ["x", { b: "${GONE} and s3cret" }], c: "${GONE}" },
    missing: [{ path: ["a", "1", "b"], name: "GONE" }],
  });
});

test("keys and other values are left alone", () => {
  const config = { "${TOKEN}": 1, on: true, none: null, n: 1.5 };
  expect(substitute(config, lookup)).toEqual({ value: config, missing: [] });
});

test("a key cannot reach the prototype", () => {
  const { value } = substitute(JSON.parse('{"__proto__": {"polluted": "${TOKEN}"}}'), lookup);
  expect(Object.keys(value ?? {})).toEqual(["__proto__"]);
  expect(value).not.toHaveProperty("polluted");
});
