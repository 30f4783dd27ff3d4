import { expect, test } from "vitest";
import { ThoughtSplitter } from "./thought-splitter.ts";

function split(pieces: readonly string[]): { thought: string; text: string } {
  const splitter = new ThoughtSplitter();
  const all = [...pieces.map((piece) => splitter.push(piece)), splitter.end()];
  return {
    thought: all.map(({ thought }) => thought).join(""),
    text: all.map(({ text }) => text).join(""),
  };
}

test.each([
  ["Hello", "", "Hello"],
  ["<think>hm</think>\n\nHello", "hm", "Hello"],
  ["\n<think>a < b</think>Hello <think>", "a < b", "Hello <think>"],
  ["<thinker> Hello", "", "<thinker> Hello"],
  ["<think>never ends", "never ends", ""],
  ["<think></think>", "", ""],
  ["<thi", "", "<thi"],
  ["", "", ""],
  ["Say <think>x</think>", "", "Say <think>x</think>"],
  ["<think>a</thin</think>b", "a</thin", "b"],
])("%j is the thought %j and the text %j, wherever it is cut", (whole, thought, text) => {
  for (let size = 1; size <= Math.max(1, whole.length); size += 1) {
    const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
      whole.slice(index * size, (index + 1) * size),
    );
    expect(split(pieces)).toEqual({ thought, text });
  }
});

test("plain text is not held back", () => {
  const splitter = new ThoughtSplitter();
  expect(splitter.push("H")).toEqual({ thought: "", text: "H" });
});
