/** What the page beside this says, against what is served. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { FOR_EVERYBODY, PUBLISHED_SCOPES } from "../../test/support/published-scopes.ts";
import { policyOf } from "../gateway/rpc/hello.ts";
import { EVENTS } from "./events.ts";

const PAGE = readFileSync(fileURLToPath(new URL("README.md", import.meta.url)), "utf8");

/** The rows of the table under a heading, cell by cell, without its head. */
function rowsUnder(heading: string): string[][] {
  const [, part = ""] = PAGE.split(`## ${heading}\n`);
  const [section = ""] = part.split("\n## ");
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function namesIn(cell = ""): string[] {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = ""]) => name);
}

/** That these are the scopes of the real gateway is what the matrix of credentials looks at. */
test("every method stands under the least scope it takes, once", () => {
  const written = rowsUnder("Methods").flatMap(([scope, methods]) =>
    namesIn(methods).map((method) => `${method} ${namesIn(scope).join()}`),
  );
  const served = [
    ...Array.from(PUBLISHED_SCOPES, ([method, scope]) => `${method} ${scope}`),
    ...Array.from(FOR_EVERYBODY.keys(), (method) => `${method} any`),
  ];
  expect(written.toSorted()).toEqual(served.toSorted());
});

test("every event is there, in the order of the greeting", () => {
  expect(rowsUnder("Events").flatMap(([event]) => namesIn(event))).toEqual(EVENTS);
});

test.each(["maxPayload", "maxBufferedBytes", "tickIntervalMs"] as const)(
  "policy.%s is what clients are greeted with",
  (name) => {
    const row = rowsUnder("Limits").find(([what = ""]) => what.includes(`policy.${name}`)) ?? [];
    const [own, edge] = row.slice(1).map((cell) => Number.parseInt(cell, 10));
    expect([own, edge]).toEqual([policyOf("local")[name], policyOf("edge")[name]]);
  },
);
