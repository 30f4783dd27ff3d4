import { expect, test } from "vitest";
import { parseTelegramHtml } from "../../../test/support/telegram-html.ts";
import { render } from "./render.ts";
import { MAX_TEXT_UNITS, split } from "./split.ts";

function visible(pieces: readonly string[]): string[] {
  return pieces.map((piece) => render(piece).text);
}

test("a short reply is one piece", () => {
  expect(split("Hello **there**")).toEqual(["Hello **there**"]);
});

test.each([
  ["nothing", ""],
  ["blank lines", " \n\n \n"],
  ["an empty code block", "```ts\n```"],
])("%s is no piece at all", (_name, text) => {
  expect(split(text)).toEqual([]);
});

test("markup does not count, only what people see", () => {
  const bold = `**${"a".repeat(20)}** [${"b".repeat(19)}](https://example.org/long/address)`;
  expect(split(bold, 40)).toEqual([bold]);
});

test("a cut falls between paragraphs when the piece is at least half full", () => {
  expect(split("one one one\ntwo two two\n\nthree three\nfour four", 32)).toEqual([
    "one one one\ntwo two two",
    "three three\nfour four",
  ]);
});

test("a cut falls between lines when no paragraph ends late enough", () => {
  expect(split("a\n\nbbbbbbbbbb\ncccccccccc\ndddddddddd", 26)).toEqual([
    "a\n\nbbbbbbbbbb\ncccccccccc",
    "dddddddddd",
  ]);
});

test("a long line is cut between words", () => {
  expect(split("alpha beta gamma delta", 11)).toEqual(["alpha beta", "gamma delta"]);
});

test("a styled run is moved to the next piece whole", () => {
  expect(split("alpha beta **gamma delta** end", 14)).toEqual([
    "alpha beta",
    "**gamma delta**",
    "end",
  ]);
});

test("a word longer than a piece is cut without halving an emoji", () => {
  const family = "👨‍👩‍👧‍👦";
  const pieces = split(family.repeat(5), family.length * 2 + 3);
  expect(pieces).toEqual([family.repeat(2), family.repeat(2), family]);
});

test("one endless grapheme is cut between code points", () => {
  const zalgo = `a${"\u0301".repeat(1_000)}`;
  expect(split(zalgo, 400).join("")).toBe(zalgo);
  const pairs = "\u{1F600}\u{FE0F}\u{200D}".repeat(500);
  for (const piece of split(pairs, 401)) expect(piece.isWellFormed()).toBe(true);
});

test("a code block that is cut is closed and opened again in its language", () => {
  const code = ["```ts", "let one = 1;", "let two = 2;", "let six = 6;", "```", "done"].join("\n");
  expect(split(code, 26)).toEqual([
    "```ts\nlet one = 1;\nlet two = 2;\n```",
    "```ts\nlet six = 6;\n```\ndone",
  ]);
});

test("a code line that looks like the block's own fence stays code", () => {
  const pieces = split("~~~js\n~~~js\nrest of it\n~~~", 10);
  expect(visible(pieces)).toEqual(["~~~js", "rest of it"]);
});

/** A small seeded generator: the same inputs in every run. */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const SCRAPS =
  '* ** *** _ __ ~~ ` `` ``` ~~~ [ ]( ) \\ < > & " # - > | \n \n\n a bc word 漢 é 😀 👨‍👩‍👧 \uD83D https://x.y'
    .split(" ")
    .concat([" ", "\n", "\t", "  "]);

function letters(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}]/gu, "");
}

test("whatever the text, every piece is valid HTML, fits, and no letter is lost", () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const random = lcg(seed);
    const text = Array.from(
      { length: 20 + Math.floor(random() * 120) },
      () => SCRAPS[Math.floor(random() * SCRAPS.length)],
    ).join("");
    const maxUnits = 12 + Math.floor(random() * 60);
    const pieces = split(text, maxUnits);
    for (const piece of pieces) {
      const rendered = render(piece);
      const parsed = parseTelegramHtml(rendered.html);
      expect(parsed, JSON.stringify({ seed, piece })).toMatchObject({
        ok: true,
        text: rendered.text,
      });
      expect(rendered.text.length, JSON.stringify({ seed, piece })).toBeLessThanOrEqual(maxUnits);
    }
    const ofLinksAndFences = /https:\/\/x\.y|(?:```|~~~)[^\n]*/;
    if (!ofLinksAndFences.test(text)) {
      expect(letters(visible(pieces).join("")), `seed ${seed}`).toBe(letters(text));
    }
  }
});

test.each([
  ["asterisks", "*a ".repeat(40_000)],
  ["backticks", "`".repeat(100_000)],
  ["backtick runs of every length", Array.from({ length: 400 }, (_, n) => "`".repeat(n)).join(" ")],
  ["brackets", "[".repeat(100_000)],
  ["link openers", "[a](".repeat(25_000)],
  ["underscores", "_a".repeat(50_000)],
  ["one endless word", "x".repeat(300_000)],
  ["nested marks", "**_~~".repeat(20_000)],
])("%s without end are cut in linear time", (_name, text) => {
  for (const piece of split(text)) {
    expect(render(piece).text.length).toBeLessThanOrEqual(MAX_TEXT_UNITS);
  }
});
