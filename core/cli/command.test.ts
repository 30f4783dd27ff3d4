import { expect, test } from "vitest";
import { parseFlags } from "./command.ts";

const OPTIONS = { token: { type: "string" }, json: { type: "boolean" } } as const;
const KEY = `-${"k".repeat(42)}`;
const DOUBLY = `--${"k".repeat(41)}`;

test.each<[string, string[], string[], object]>([
  ["a key that begins with a dash", ["add", KEY], ["add", KEY], {}],
  ["a key that begins with two", ["add", DOUBLY], ["add", DOUBLY], {}],
  ["such a key before a flag", ["add", KEY, "--json"], ["add", KEY], { json: true }],
  ["such a key after a flag that takes none", ["add", "--json", KEY], ["add", KEY], { json: true }],
  ["such a token", ["list", "--token", KEY], ["list"], { token: KEY }],
  ["both at once", ["add", "--token", KEY, DOUBLY], ["add", DOUBLY], { token: KEY }],
  ["such a key, marked by whoever knows", ["add", "--", KEY], ["add", KEY], {}],
])("%s is taken for what it is", (_name, args, positionals, values) => {
  const parsed = parseFlags(args, OPTIONS);
  expect(parsed.positionals).toEqual(positionals);
  expect({ ...parsed.values }).toEqual(values);
});

test.each([
  ["an unknown flag", ["--jsn"], "--jsn"],
  ["an unknown short flag", ["-x"], "-x"],
  ["a key that is too short", ["add", KEY.slice(0, -1)], "-k"],
  ["a flag without its value", ["--token"], "--token"],
  ["a flag of every object", ["--constructor", KEY], "--constructor"],
])("%s is named", (_name, args, named) => {
  expect(() => parseFlags(args, OPTIONS)).toThrow(named);
});
