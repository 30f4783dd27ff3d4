import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LogFile, logPathOf, logPattern } from "./log-file.ts";
import { readLogLine } from "./log-line.ts";

const NOON = Date.UTC(2026, 0, 2, 12);

async function folder() {
  const dir = await mkdtemp(join(tmpdir(), "log-file-"));
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

const line = (msg: string, more: object = {}): string =>
  `${JSON.stringify({ level: "info", time: "2026-01-02T12:00:00.000Z", part: "http", ...more, msg })}\n`;

test("lines are kept in a file of the day that only we can read", async () => {
  await using at = await folder();
  const path = logPattern(join(at.dir, "state"), undefined, "/home/x") ?? "";
  const file = new LogFile({ path, maxBytes: 1_000_000, now: () => NOON });
  file.write(line("one", { durationMs: 5 }));
  file.write(line("two"));
  await file[Symbol.asyncDispose]();
  expect(file.path).toBe(join(at.dir, "state", "logs", "openclaw-2026-01-02.log"));
  expect((await stat(file.path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(at.dir, "state", "logs"))).mode & 0o777).toBe(0o700);
  const lines = (await readFile(file.path, "utf8")).trimEnd().split("\n");
  expect(lines.map(readLogLine)).toEqual([
    {
      time: "2026-01-02T12:00:00.000Z",
      level: "info",
      part: "http",
      message: "one durationMs=5",
    },
    expect.objectContaining({ message: "two" }),
  ]);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ event: "one", facts: { durationMs: 5 } });
});

test("a file that has grown too large is begun anew, and what was before it is kept once", async () => {
  await using at = await folder();
  const path = join(at.dir, "openclaw-YYYY-MM-DD.log");
  const file = new LogFile({ path, maxBytes: 1_000, now: () => NOON });
  for (let index = 0; index < 20; index += 1) {
    file.write(line(`line ${index}`));
    await file.flushed();
  }
  await file[Symbol.asyncDispose]();
  const names = (await readdir(at.dir)).toSorted();
  expect(names).toEqual(["openclaw-2026-01-02.1.log", "openclaw-2026-01-02.log"]);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(at.dir, name))).size));
  for (const size of sizes) expect(size).toBeLessThan(2_000);
});

test("files of earlier days are kept for a week", async () => {
  await using at = await folder();
  const old = join(at.dir, "openclaw-2025-12-01.log");
  const recent = join(at.dir, "openclaw-2025-12-30.log");
  const other = join(at.dir, "notes-2025-12-01.txt");
  for (const [name, day] of [
    [old, 1],
    [recent, 30],
    [other, 1],
  ] as const) {
    await writeFile(name, "x");
    const when = new Date(Date.UTC(2025, 11, day));
    await utimes(name, when, when);
  }
  const path = join(at.dir, "openclaw-YYYY-MM-DD.log");
  await new LogFile({ path, maxBytes: 1_000, now: () => NOON })[Symbol.asyncDispose]();
  expect((await readdir(at.dir)).toSorted()).toEqual([
    "notes-2025-12-01.txt",
    "openclaw-2025-12-30.log",
  ]);
});

test("a folder that cannot be had costs lines and nothing else", async () => {
  await using at = await folder();
  await writeFile(join(at.dir, "state"), "no folder");
  const path = join(at.dir, "state", "logs", "x.log");
  const file = new LogFile({ path, maxBytes: 1_000, now: () => NOON });
  file.write(line("lost"));
  await file[Symbol.asyncDispose]();
});

test.each([
  ["nothing", undefined, "/s/logs/openclaw-YYYY-MM-DD.log"],
  ["a file", "/var/log/gw.log", "/var/log/gw.log"],
  ["a file at home", "~/gw.log", "/home/x/gw.log"],
  ["a name", "gw.log", "/s/gw.log"],
  ["none", "", undefined],
])("with %s in the config the file is where that says", (_name, chosen, path) => {
  expect(logPattern("/s", chosen, "/home/x")).toBe(path);
});

test("the day is that of UTC", () => {
  expect(logPathOf("/s/x-YYYY-MM-DD.log", NOON)).toBe("/s/x-2026-01-02.log");
});
