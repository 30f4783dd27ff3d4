/** Files of the agents' workspaces. */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, link, lstat, readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { makeFolder } from "../config/file/files.ts";
import { reasonOf, type Step } from "./step.ts";

/** Files of one workspace: with more it is a project, and is better moved as a whole. */
const MAX_FILES = 20_000;
const MAX_DEPTH = 24;
/** Above this a file is told apart by its size and age alone. */
const MAX_COMPARED_BYTES = 16 * 1024 * 1024;

/** A folder there, and the one here that it becomes. */
export interface Move {
  readonly from: string;
  readonly to: string;
}

export async function workspaceSteps({ from, to }: Move): Promise<Step[]> {
  if (from === to) return [];
  const walk: Walk = { files: [], empty: [], left: [] };
  await collect(from, from, 0, walk);
  const steps = await Promise.all(walk.files.map((name) => fileStep({ from, to }, name)));
  const folders = await Promise.all(walk.empty.map((name) => folderStep(to, name)));
  return [...steps, ...folders, ...walk.left];
}

interface Walk {
  readonly files: string[];
  /** Folders: of some programs they say something by being there. */
  readonly empty: string[];
  readonly left: Step[];
}

async function collect(root: string, dir: string, depth: number, walk: Walk): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(dir, entry.name);
    const name = relative(root, path);
    if (entry.isDirectory() && depth < MAX_DEPTH && entry.name !== "node_modules") {
      await collect(root, path, depth + 1, walk);
      if ((await readdir(path).catch(() => [""])).length === 0) walk.empty.push(name);
    } else if (!entry.isFile()) walk.left.push(left(name, reasonFor(entry)));
    else if (walk.files.length < MAX_FILES) walk.files.push(name);
    else if (walk.files.length === MAX_FILES) {
      walk.left.push(left(name, `there are more than ${MAX_FILES} files: copy the rest yourself`));
      return;
    }
  }
}

function left(name: string, note: string): Step {
  return { part: "workspace", name, verdict: "left", note };
}

function reasonFor(entry: { isSymbolicLink(): boolean; isDirectory(): boolean }): string {
  if (entry.isSymbolicLink()) return "it is a link, which may lead anywhere";
  return entry.isDirectory() ? "it can be installed again, or is too deep" : "it is no file";
}

async function fileStep({ from, to }: Move, name: string): Promise<Step> {
  const named = { part: "workspace", name } as const;
  const source = join(from, name);
  const target = join(to, name);
  const there = await lstat(target).catch(() => undefined);
  if (there === undefined)
    return { ...named, verdict: "add", apply: () => copyWhole(source, target) };
  try {
    if (there.isFile() && (await isSame(source, target))) return { ...named, verdict: "same" };
    return { ...named, verdict: "kept", note: "ours is different, and stays" };
  } catch (error) {
    return { ...named, verdict: "left", note: reasonOf(error) };
  }
}

async function folderStep(to: string, name: string): Promise<Step> {
  const named = { part: "workspace", name: `${name}/` } as const;
  const target = join(to, name);
  const there = await lstat(target).catch(() => undefined);
  if (there === undefined) return { ...named, verdict: "add", apply: () => makeFolder(target) };
  return { ...named, verdict: there.isDirectory() ? "same" : "kept" };
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), stat(other)]);
  if (a.size !== b.size) return false;
  if (a.size > MAX_COMPARED_BYTES) return Math.trunc(a.mtimeMs) === Math.trunc(b.mtimeMs);
  const [text, otherText] = await Promise.all([readFile(one), readFile(other)]);
  return text.equals(otherText);
}

/** Under another name first: a file that is there is whole. */
async function copyWhole(source: string, target: string): Promise<void> {
  await makeFolder(dirname(target));
  const draft = `${target}.${randomUUID()}.tmp`;
  try {
    await copyFile(source, draft, constants.COPYFILE_EXCL);
    const { atime, mtime } = await stat(source);
    await utimes(draft, atime, mtime);
    // Not over anything that has appeared there meanwhile.
    await link(draft, target);
  } finally {
    await rm(draft, { force: true });
  }
}
