import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSocketPath, openStorage } from "./storage.ts";

async function temporary() {
  const path = await mkdtemp(join(tmpdir(), "storage-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test("the storage is for nobody else, also when it was there before", async () => {
  await using folder = await temporary();
  const dir = join(folder.path, "a", "b");
  expect(await openStorage(dir)).toEqual({ ok: true, value: undefined });
  await chmod(dir, 0o755);
  await openStorage(dir);
  expect(await modeOf(dir)).toBe(0o700);
});

test("a folder that cannot be is an error that says what to do", async () => {
  await using folder = await temporary();
  await writeFile(join(folder.path, "file"), "");
  expect(await openStorage(join(folder.path, "file", "x"))).toEqual({
    ok: false,
    error: expect.stringMatching(/ENOTDIR.*--storage/),
  });
});

test("a socket that was left behind is in nobody's way", async () => {
  await using folder = await temporary();
  await mkdir(join(folder.path, "run"));
  await writeFile(join(folder.path, "run", "http.sock"), "");
  const opened = await openSocketPath(folder.path);
  expect(opened).toEqual({ ok: true, value: join(folder.path, "run", "http.sock") });
  await expect(stat(join(folder.path, "run", "http.sock"))).rejects.toThrow(/ENOENT/);
  expect(await modeOf(join(folder.path, "run"))).toBe(0o700);
});

test("a path too long for a socket is refused before anything is made", async () => {
  const opened = await openSocketPath(`/${"x".repeat(100)}`);
  expect(opened).toEqual({ ok: false, error: expect.stringContaining("--storage") });
});
