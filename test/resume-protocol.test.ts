import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LIMITS } from "../shared/limits.ts";
import { RecordType, RESUME_PROTOCOL, RESUMING_PROTOCOL } from "../shared/resume/record.ts";

const text = readFileSync("shared/resume/protocol.md", "utf8");

/** The first two cells of each row below this header. */
function table(header: string): [string, string][] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(header));
  const rows: [string, string][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    const [, first = "", second = ""] = line.split("|").map((cell) => cell.trim());
    rows.push([first.replaceAll("`", ""), second]);
  }
  return rows;
}

test("the record types of the document are those of the code", () => {
  const documented = table("| type | name").map(([type, name]) => [
    name.toLowerCase(),
    Number(type),
  ]);
  expect(Object.fromEntries(documented)).toEqual(RecordType);
});

test("the limits of the document are those of the code", () => {
  const documented = table("| limit |").map(([name, value]) => [
    name,
    Number(value.replaceAll(",", "")),
  ]);
  const ours = Object.entries(LIMITS).filter(([name]) => /resume/i.test(name));
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(ours));
});

test("the document names both subprotocols", () => {
  expect(text).toContain(`\`${RESUME_PROTOCOL}\``);
  expect(text).toContain(`\`${RESUMING_PROTOCOL}\``);
});
