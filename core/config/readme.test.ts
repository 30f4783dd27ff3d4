/** What the page beside this says a change does, against what it does. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { GATEWAY_EFFECTS } from "../gateway/lifecycle/reload-plan.ts";

const PAGE = readFileSync(fileURLToPath(new URL("README.md", import.meta.url)), "utf8");

test("every path of the table of effects is there, with its own", () => {
  const [, section = ""] = PAGE.split("## What a change does\n");
  const written = section.split("\n").flatMap((line) => {
    const [, paths = "", effect = ""] = /^\| (`.*`) \| (\w+)/.exec(line) ?? [];
    return Array.from(paths.matchAll(/`([^`]+)`/g), ([, path = ""]) => `${path}: ${effect}`);
  });
  const served = Array.from(GATEWAY_EFFECTS, ([path, effect]) => `${path}: ${effect}`);
  expect(written.toSorted()).toEqual(served.toSorted());
});
