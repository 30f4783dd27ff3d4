import { expect, test } from "vitest";
import { oneLine } from "./one-line.ts";

test("the words of another program are cut to one short line", () => {
  expect(oneLine(`${"x".repeat(1_000)}\nmore`)).toHaveLength(300);
  expect(oneLine("")).toBe("");
});
