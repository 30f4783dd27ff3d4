/** Files that are whole at any moment, and their earlier versions. */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** `.bak` and `.bak.1` to `.bak.4`. Source: OpenClaw. */
const MAX_BACKUPS = 5;
/** Refused versions that are kept, to be looked at. */
const MAX_REJECTED = 10;
/** What a write that was killed leaves behind. */
const DRAFT = /\.\d+\.[0-9a-f-]{36}\.tmp$/;

/** True when something is at `path` that is no file of its own. */
export async function isForeign(path: string): Promise<boolean> {
  const facts = await lstat(path).catch(() => undefined);
  return facts !== undefined && !facts.isFile();
}

/** Puts `text` in the place of the file. Whoever reads gets all of the old one or all of the new. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, text, { flag: "wx", mode: 0o600, flush: true });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
}

/** The name is only safe when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(() => undefined);
  if (handle === undefined) return; // there are systems where folders cannot be opened
  try {
    await handle.sync();
  } catch {
    // … and file systems that do not sync them: the file itself is written.
  } finally {
    await handle.close();
  }
}

/** Keeps the file as it is now as `.bak`, and what was there as `.bak.1`, and so on. */
export async function keepBackup(file: string): Promise<void> {
  const name = (age: number): string => (age === 0 ? `${file}.bak` : `${file}.bak.${age}`);
  for (let age = MAX_BACKUPS - 1; age > 0; age -= 1) {
    await rename(name(age - 1), name(age)).catch(ignoreMissing);
  }
  const draft = `${file}.${process.pid}.${randomUUID()}.tmp`;
  try {
    await copyFile(file, draft, constants.COPYFILE_EXCL);
    await chmod(draft, 0o600);
    await rename(draft, name(0));
  } catch (error) {
    await rm(draft, { force: true });
    ignoreMissing(error);
  }
}

/** @returns Where the refused text is now. */
export async function keepRejected(file: string, text: string, now: Date): Promise<string> {
  const stamp = now.toISOString().replaceAll(/[:.]/g, "-");
  const rejected = `${file}.rejected.${stamp}`;
  await replaceFile(rejected, text);
  const others = await siblings(file, (name) => name.startsWith(`${basename(file)}.rejected.`));
  const old = others.toSorted().slice(0, -MAX_REJECTED);
  await Promise.all(old.map((path) => rm(path, { force: true })));
  return rejected;
}

/** Takes away what writes left behind that were killed. Only for whoever has the lock. */
export async function sweepDrafts(file: string): Promise<void> {
  const isDraft = (name: string): boolean => name.startsWith(basename(file)) && DRAFT.test(name);
  await Promise.all((await siblings(file, isDraft)).map((path) => rm(path, { force: true })));
}

/** The file's text, to be told whether it has to be written; undefined when it cannot be had. */
export function textOf(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}

async function siblings(file: string, isWanted: (name: string) => boolean): Promise<string[]> {
  const folder = dirname(file);
  const names = await readdir(folder).catch(() => []);
  return names.filter(isWanted).map((name) => join(folder, name));
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
