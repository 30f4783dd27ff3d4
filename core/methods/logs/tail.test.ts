import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as schemas from "@openclaw/gateway-protocol/schema";
import { Errors } from "typebox/value";
import { expect, test } from "vitest";
import { tailFile } from "./tail.ts";

async function log(text: string) {
  const dir = await mkdtemp(join(tmpdir(), "tail-"));
  const file = join(dir, "x.log");
  await writeFile(file, text);
  return { file, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

const MUCH = { limit: 100, maxBytes: 10_000 };

test("without a cursor the last lines come, and after it what was added since", async () => {
  await using at = await log("one\ntwo\nthree\n");
  const first = await tailFile(at.file, { cursor: undefined, ...MUCH, limit: 2 });
  expect(first).toMatchObject({ lines: ["two", "three"], cursor: 14, truncated: true });
  expect(await tailFile(at.file, { ...MUCH, cursor: first.cursor })).toMatchObject({ lines: [] });
  expect([...Errors(schemas.LogsTailResultSchema, first)]).toEqual([]);
  await appendFile(at.file, "four\nfi");
  const next = await tailFile(at.file, { ...MUCH, cursor: first.cursor });
  expect(next).toMatchObject({ lines: ["four"], cursor: 19, size: 21, truncated: false });
  await appendFile(at.file, "ve\n");
  expect(await tailFile(at.file, { ...MUCH, cursor: next.cursor })).toMatchObject({
    lines: ["five"],
  });
});

test("a file that was begun anew is read from its start, and says so", async () => {
  await using at = await log("new\n");
  expect(await tailFile(at.file, { ...MUCH, cursor: 5_000 })).toMatchObject({
    lines: ["new"],
    cursor: 4,
    reset: true,
  });
});

test("no more is read than was asked for, and no part of a line", async () => {
  await using at = await log(`${"x".repeat(50)}\nshort\n`);
  expect(await tailFile(at.file, { cursor: undefined, limit: 10, maxBytes: 20 })).toMatchObject({
    lines: ["short"],
    truncated: true,
  });
});

test.each([
  ["empty", ""],
  ["without an end", "abc"],
])("a file that is %s has no lines", async (_name, text) => {
  await using at = await log(text);
  const tail = await tailFile(at.file, { cursor: undefined, ...MUCH });
  expect(tail).toMatchObject({ lines: [], cursor: 0, truncated: false, reset: false });
});

test("a file that is not there is empty", async () => {
  const tail = await tailFile("/nowhere/x.log", { cursor: 10, ...MUCH });
  expect(tail).toMatchObject({ lines: [], cursor: 0, size: 0, reset: true });
});
