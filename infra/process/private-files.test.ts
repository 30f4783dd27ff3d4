import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makePrivateDir, openPairing, openSealKey } from "./private-files.ts";

async function temporary() {
  const path = await mkdtemp(join(tmpdir(), "private-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test("a folder is made with what leads to it, for nobody else, and may be there already", async () => {
  await using folder = await temporary();
  const dir = join(folder.path, "a", "b");
  await makePrivateDir(dir);
  await makePrivateDir(dir);
  expect(await modeOf(dir)).toBe(0o700);
  expect(await modeOf(join(folder.path, "a"))).toBe(0o700);
});

test.each([
  ["a file", ""],
  ["below a file", "x"],
])("%s is no folder", async (_name, below) => {
  await using folder = await temporary();
  const file = join(folder.path, "file");
  await writeFile(file, "");
  await expect(makePrivateDir(join(file, below))).rejects.toThrow(/EEXIST|ENOTDIR/);
});

test("where nothing can be made it fails, and does not go round for ever", async () => {
  await expect(makePrivateDir("/proc/sallyport/state")).rejects.toThrow("/proc/sallyport");
});

test("the pairing secret is made once, and for nobody else", async () => {
  await using folder = await temporary();
  const path = join(folder.path, "pairing");
  const first = await openPairing(path);
  await chmod(path, 0o644);
  const second = await openPairing(path);
  if (!first.ok || !second.ok) throw new Error("not opened");
  expect(second.value.secret.reveal()).toBe(first.value.secret.reveal());
  expect(first.value.secret.reveal()).toMatch(/^[\w-]{43}$/);
  expect(await modeOf(path)).toBe(0o600);
});

test.each(["", "short", "a".repeat(44)])(
  "a pairing file with %j in it is refused by its path, not by its content",
  async (text) => {
    await using folder = await temporary();
    const path = join(folder.path, "pairing");
    await writeFile(path, text);
    const opened = await openPairing(path);
    const error = `${path} does not hold a pairing secret: delete it and start again`;
    expect(opened).toEqual({ ok: false, error });
  },
);

test("the seal key is made once, and for nobody else", async () => {
  await using folder = await temporary();
  const path = join(folder.path, "seal-key");
  const [first, second] = [await openSealKey(path), await openSealKey(path)];
  if (!first.ok || !second.ok) throw new Error("not opened");
  expect(second.value.reveal()).toBe(first.value.reveal());
  expect(first.value.reveal()).toMatch(/^[\w-]{43}$/);
  expect(await modeOf(path)).toBe(0o600);
});

test("a seal key file with something else in it is refused by its path, not by its content", async () => {
  await using folder = await temporary();
  const path = join(folder.path, "seal-key");
  await writeFile(path, "hunter2");
  const error = `${path} does not hold a seal key: delete it and start again`;
  expect(await openSealKey(path)).toEqual({ ok: false, error });
});
