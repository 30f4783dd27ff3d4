/** Looks for skills below a folder: wherever a SKILL.md is, however they are grouped. */
import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { fileFacts, readWorkspaceFile } from "../workspace/files.ts";
import { readSkillHead, type SkillHead } from "./skill-file.ts";

/** Where a skill comes from; what stands later wins over what stands before it. */
export type SkillSource = "extra" | "managed" | "personal" | "project" | "workspace";

export interface SkillRoot {
  /** Absolute. */
  readonly path: string;
  readonly source: SkillSource;
  /** True: folders in it may be links to anywhere; its owner put them there. */
  readonly followsLinks: boolean;
}

export interface ScanLimits {
  readonly maxCandidatesPerRoot: number;
  readonly maxSkillsLoadedPerSource: number;
  readonly maxSkillFileBytes: number;
}

export interface ScannedSkill extends SkillHead {
  readonly source: SkillSource;
  /** As it is written, links and all. */
  readonly folder: string;
  /** Where that really is. */
  readonly realFolder: string;
}

export interface Scan {
  readonly skills: readonly ScannedSkill[];
  /** What was looked at, and what was there: another version means another scan. */
  readonly versions: ReadonlyMap<string, string>;
}

/** Folders in folders; deeper ones are somebody's project. */
const MAX_DEPTH = 6;
/** Only the head of a skill is read here. */
const MAX_HEAD_BYTES = 64 * 1024;
const SKILL_FILE = "SKILL.md";

/** @param targets - Real folders that links may lead into as well. */
export async function scan(
  root: SkillRoot,
  targets: readonly string[],
  limits: ScanLimits,
): Promise<Scan> {
  const versions = new Map<string, string>();
  const skills: ScannedSkill[] = [];
  const realRoot = await realpath(root.path).catch(() => undefined);
  versions.set(root.path, versionOf(root.path));
  if (realRoot === undefined) return { skills, versions };
  const waiting = [{ folder: root.path, depth: 0 }];
  for (let seen = 0; seen < limits.maxCandidatesPerRoot; seen += 1) {
    const next = waiting.shift();
    if (next === undefined || skills.length >= limits.maxSkillsLoadedPerSource) break;
    const { folder, depth } = next;
    // Before it is read: what changes meanwhile is seen the next time.
    versions.set(folder, versionOf(folder));
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    if (depth > 0 && entries.some(({ name }) => name === SKILL_FILE)) {
      versions.set(join(folder, SKILL_FILE), versionOf(join(folder, SKILL_FILE)));
      const skill = await skillIn(folder, root.source, limits);
      if (skill !== undefined) skills.push(skill);
    } else if (depth < MAX_DEPTH) {
      const room = limits.maxCandidatesPerRoot - waiting.length;
      const below = await foldersOf(folder, entries, { realRoot, root, targets }, room);
      waiting.push(...below.map((path) => ({ folder: path, depth: depth + 1 })));
    }
  }
  return { skills, versions };
}

/** Empty: there is nothing. */
export function versionOf(path: string): string {
  return fileFacts(path, "")?.version ?? "";
}

interface Bounds {
  readonly realRoot: string;
  readonly root: SkillRoot;
  readonly targets: readonly string[];
}

async function foldersOf(
  folder: string,
  entries: readonly Dirent[],
  bounds: Bounds,
  room: number,
): Promise<string[]> {
  const named = entries
    .filter(({ name }) => !name.startsWith(".") && name !== "node_modules")
    .filter((one) => one.isDirectory() || one.isSymbolicLink())
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .slice(0, Math.max(0, room));
  const found: string[] = [];
  for (const entry of named) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() || (await leadsInside(path, bounds))) found.push(path);
  }
  return found;
}

async function leadsInside(path: string, { realRoot, root, targets }: Bounds): Promise<boolean> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return false;
  const isFolder = await stat(real).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return false;
  return (
    root.followsLinks || [realRoot, ...targets].some((one) => `${real}${sep}`.startsWith(one + sep))
  );
}

async function skillIn(
  folder: string,
  source: SkillSource,
  limits: ScanLimits,
): Promise<ScannedSkill | undefined> {
  const realFolder = await realpath(folder).catch(() => undefined);
  if (realFolder === undefined) return undefined;
  const size = fileFacts(realFolder, SKILL_FILE)?.size ?? 0;
  if (size > limits.maxSkillFileBytes) return undefined;
  const text = await readWorkspaceFile(realFolder, SKILL_FILE, MAX_HEAD_BYTES);
  const head = text === undefined ? undefined : readSkillHead(text, basename(folder));
  return head === undefined ? undefined : { ...head, source, folder, realFolder };
}
