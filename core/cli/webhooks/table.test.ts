import { expect, test } from "vitest";
import type { WebhookEntry } from "../../webhooks/methods/answers.ts";
import { HEAD, rowOf, table, warnOfSilent } from "./table.ts";

const ENTRY: WebhookEntry = {
  id: "github:1",
  seq: 7,
  route: "github",
  state: "done",
  verified: "github",
  requestId: "r",
  receivedAt: Date.UTC(2026, 0, 31, 12),
  acceptedAt: Date.UTC(2026, 0, 31, 12),
  size: 393,
  items: 1,
  duplicates: 0,
  replayOf: null,
  reason: null,
};

test("columns are as wide as their widest cell, and nothing stands behind the last", () => {
  const rows = [ENTRY, { ...ENTRY, route: "s", size: 1_000_000, reason: "no" }].map(rowOf);
  expect(table(HEAD, rows, { colours: false })).toEqual([
    "RECEIVED              ROUTE   STATE  BYTES    ID        NOTE",
    "2026-01-31T12:00:00Z  github  done   393      github:1",
    "2026-01-31T12:00:00Z  s       done   1000000  github:1  no",
  ]);
});

test("what is special about a webhook is noted", () => {
  const special = { ...ENTRY, items: 3, duplicates: 2, replayOf: "github:0", reason: "gone" };
  expect(rowOf(special).at(-1)?.text).toBe("3 events; sent 3 times; replay; gone");
});

test("a long note ends where the line does, and nothing else is ever cut", () => {
  const reason = "because ".repeat(30);
  const [, row = ""] = table(HEAD, [rowOf({ ...ENTRY, reason })], { colours: false });
  expect(row).toMatch(/ {2}github:1 {2}because because .*…$/);
  expect(row.length).toBeLessThanOrEqual(100);
  const id = `github:${crypto.randomUUID()}`;
  const [, wide = ""] = table(HEAD, [rowOf({ ...ENTRY, id, reason })], { colours: false });
  expect(wide.endsWith(`${id}  because because because…`)).toBe(true);
  const [, long = ""] = table(HEAD, [rowOf({ ...ENTRY, id: "x".repeat(265) })], { colours: false });
  expect(long).toContain("x".repeat(265));
});

test("colours are there for those who want them only", () => {
  const dead = [rowOf({ ...ENTRY, state: "dead" })];
  expect(table(HEAD, dead, { colours: false }).join("")).not.toContain("\u001b");
  expect(table(HEAD, dead, { colours: true })[1]).toContain("\u001b[31mdead");
});

test("what strangers have chosen can neither move the cursor nor hide", () => {
  const hostile = { ...ENTRY, route: "a\u001b[2Jb", id: "x\r\ny", reason: "\u202Eevil\u200B" };
  const [, row = ""] = table(HEAD, [rowOf(hostile)], { colours: false });
  expect(row).toContain("a\uFFFD[2Jb");
  expect(row).toContain("x\uFFFD\uFFFDy");
  expect(row).toContain("\uFFFDevil\uFFFD");
});

test("a relay without an answer is warned of", () => {
  const lines: string[] = [];
  warnOfSilent(["weur:1"], { err: (line) => lines.push(line) });
  expect(lines).toEqual(["warning: relay weur:1 gave no answer"]);
});
