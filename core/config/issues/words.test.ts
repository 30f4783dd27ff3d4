import { expect, test } from "vitest";
import * as z from "zod";
import { isMissing, wordsOf } from "./words.ts";

function issueOf(schema: z.ZodType, value: unknown): z.core.$ZodIssue {
  const issue = schema.safeParse(value).error?.issues[0];
  if (issue === undefined) throw new Error("nothing is wrong with it");
  return issue;
}

const Shapes = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal(["a", "b"]) }),
  z.object({ kind: z.literal("c") }),
]);

test.each<[string, z.ZodType, unknown]>([
  ["is missing", z.string(), undefined],
  ["is missing", z.union([z.string(), z.array(z.string())]), undefined],
  ["must be text", z.string(), 5],
  ["must be a whole number", z.int(), 1.5],
  ["must be a number", z.number(), "1"],
  ["must be a number", z.number(), Number.NaN],
  ["must be true or false", z.boolean(), "yes"],
  ["must be a list", z.array(z.string()), {}],
  ["must be an object", z.record(z.string(), z.unknown()), []],
  ["must be an object", z.object({}), 1],
  ["must be left out", z.never(), 1],
  ["must be null", z.null(), 1],
  ["must be at most 2", z.number().max(2), 3],
  ["must be less than 2", z.number().lt(2), 2],
  ["must be at least 1", z.int().min(1), 0],
  ["must be more than 1", z.number().gt(1), 1],
  ["must not be empty", z.string().min(1), ""],
  ["must not be empty", z.array(z.string()).min(1), []],
  ["must have at least 2 characters", z.string().min(2), "a"],
  ["must have at most 1 character", z.string().max(1), "aa"],
  ["must have at most 2 items", z.array(z.string()).max(2), ["a", "b", "c"]],
  ["must have exactly 3 characters", z.string().length(3), "a"],
  ["must have exactly 3 characters", z.string().length(3), "aaaa"],
  ['must be one of "a", "b"', z.enum(["a", "b"]), "secret"],
  ['must be "a"', z.literal("a"), "secret"],
  ["must be true", z.literal(true), false],
  ['must be one of "a", "b", "c"', Shapes, { kind: "secret" }],
  ["must be text or a list", z.union([z.string(), z.array(z.string())]), 5],
  ["has none of the forms that are understood", z.union([Shapes, z.object({ x: z.int() })]), {}],
  ["must be a URL", z.url(), "secret"],
  ["must be a UUID", z.uuid(), "secret"],
  ["has not the form that is expected", z.string().regex(/^a$/), "secret"],
  ["must be a multiple of 5", z.number().multipleOf(5), 3],
  ["must have at most 1 character", z.record(z.string().max(1), z.string()), { aa: "x" }],
  ["is not valid", z.string().refine(() => false), "secret"],
  ["has a property that is not known", z.strictObject({}), { secret: 1 }],
  ["must name a model", z.string().min(1, { error: "must name a model" }), ""],
])("%s", (words, schema, value) => {
  expect(wordsOf(issueOf(schema, value))).toBe(words);
});

test("of many values the first are named", () => {
  const values = Array.from({ length: 20 }, (_, index) => `v${index}`);
  expect(wordsOf(issueOf(z.enum(values), "x"))).toMatch(/^must be one of "v0", .*"v15", …$/);
});

test.each<[boolean, z.ZodType, unknown]>([
  [true, z.object({ a: z.string() }), {}],
  [true, z.object({ a: z.union([z.string(), z.int()]) }), {}],
  [false, z.object({ a: z.string() }), { a: null }],
  [false, z.object({ a: z.union([z.string(), z.int()]) }), { a: null }],
])("that something is missing is told apart: %s", (expected, schema, value) => {
  expect(isMissing(issueOf(schema, value))).toBe(expected);
});
