import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { connectorsIn, leaveNote } from "./presence.ts";

const ABOUT = { edge: "https://edge.example", upstream: "http://127.0.0.1:3000" };
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-presence-"));
  onTestFinished(() => rm(dir, { recursive: true }));
});

/** Of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ["--version"]).pid;
}

test("a connector is there while it runs, and others beside it", async () => {
  expect(await connectorsIn(dir)).toEqual([]);
  const one = await leaveNote(dir, { ...ABOUT, pid: process.pid });
  await leaveNote(dir, { ...ABOUT, pid: process.ppid });
  expect((await connectorsIn(dir)).map(({ pid }) => pid).toSorted((a, b) => a - b)).toEqual(
    [process.pid, process.ppid].toSorted((a, b) => a - b),
  );
  await one[Symbol.asyncDispose]();
  expect(await connectorsIn(dir)).toMatchObject([{ ...ABOUT, pid: process.ppid }]);
});

test("one that was killed is not there, and its note goes with the next connector", async () => {
  await leaveNote(dir, { ...ABOUT, pid: deadPid() });
  expect(await connectorsIn(dir)).toEqual([]);
  const folder = join(dir, "connectors");
  expect(await readdir(folder)).toHaveLength(1);
  await leaveNote(dir, { ...ABOUT, pid: process.pid });
  expect(await readdir(folder)).toHaveLength(1);
});

test.each([
  ["no JSON", "{"],
  ["nothing", ""],
  ["another document", "{}"],
  ["a group of processes", JSON.stringify({ ...ABOUT, host: "here", pid: -1 })],
  ["a process elsewhere", JSON.stringify({ ...ABOUT, host: "elsewhere.example", pid: 1 })],
])("a note that is %s says nothing, and is left alone", async (_name, text) => {
  await leaveNote(dir, { ...ABOUT, pid: process.pid });
  const stray = join(dir, "connectors", "stray.json");
  await writeFile(stray, text);
  expect(await connectorsIn(dir)).toHaveLength(1);
  await leaveNote(dir, { ...ABOUT, pid: process.ppid });
  expect(await readdir(join(dir, "connectors"))).toHaveLength(3);
});
