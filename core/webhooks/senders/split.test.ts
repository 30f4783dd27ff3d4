import { expect, test } from "vitest";
import { splitText } from "./split.ts";

const limits = { maxUnits: 20, maxPieces: 3 };

test.each<[string, string, string[]]>([
  ["nothing", "", []],
  ["blank text", " \n ", []],
  ["what fits", " hello ", ["hello"]],
  ["exactly what fits", "x".repeat(20), ["x".repeat(20)]],
  ["lines", "one two three\nfour five six seven", ["one two three", "four five six seven"]],
  ["words", "alpha beta gamma delta", ["alpha beta gamma", "delta"]],
  ["a long word", "x".repeat(25), ["x".repeat(20), "xxxxx"]],
  ["a break too early", `a\n${"b".repeat(25)}`, [`a\n${"b".repeat(18)}`, "bbbbbbb"]],
  ["an emoji at the end", `${"x".repeat(19)}😀`, ["x".repeat(19), "😀"]],
  ["half an emoji", "a\uD83Db", ["a\uFFFDb"]],
  ["too much", "y".repeat(99), ["y".repeat(20), "y".repeat(20), `${"y".repeat(19)}…`]],
])("%s", (_name, text, pieces) => {
  expect(splitText(text, limits)).toEqual(pieces);
});

test("no piece is longer than it may be, and none of the words is lost", () => {
  const words = Array.from({ length: 500 }, (_, index) => "w".repeat(1 + (index % 15)));
  const pieces = splitText(words.join(" "), { maxUnits: 20, maxPieces: 1_000 });
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(20);
  expect(pieces.join(" ").split(/\s+/)).toEqual(words);
});
