import { expect, test } from "vitest";
import { printable } from "./printable.ts";

test.each([
  ["text", "Zoë 🎉", "Zoë 🎉"],
  ["an escape sequence", "\u001b[31m", "\uFFFD[31m"],
  ["a line break", "a\nb\r", "a\uFFFDb\uFFFD"],
  ["letters that turn around", "\u202Eabc", "\uFFFDabc"],
  ["letters without width", "a\u200Bb\uFEFF", "a\uFFFDb\uFFFD"],
  ["line separators", "a\u2028b\u2029", "a\uFFFDb\uFFFD"],
  ["half a character", "\uD83C", "\uFFFD"],
])("%s is shown safely", (_name, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("a long name is cut", () => {
  expect(printable("x".repeat(100))).toHaveLength(64);
  expect(printable("x".repeat(100), 80)).toHaveLength(80);
});
