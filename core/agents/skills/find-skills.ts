import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { readWorkspaceFile } from "../workspace/files.ts";
import { readSkillHead, type SkillHead, type SkillRequirements } from "./skill-file.ts";

/** Folders that are looked at in one place; far more than people have. */
const MAX_SKILLS = 500;
/** Only the head is read. */
const MAX_HEAD_BYTES = 64 * 1024;

/** What skills are measured by. */
export interface SkillSurroundings {
  /** PATH. */
  readonly searchPath: string;
  readonly variables: ReadonlySet<string>;
  readonly platform: string;
  /** Whether a setting, by its dotted path, is there and not false. */
  readonly isSet: (path: string) => boolean;
}

export interface FoundSkill extends SkillHead {
  /** Name of its folder. */
  readonly key: string;
  readonly source: "workspace" | "managed";
  readonly folder: string;
  readonly missing: SkillRequirements;
  /** Nothing is missing. */
  readonly eligible: boolean;
}

/** The skills of an agent; one of its workspace wins over one of all agents. */
export async function findSkills(
  places: { readonly workspace: string; readonly managed: string },
  surroundings: SkillSurroundings,
): Promise<readonly FoundSkill[]> {
  const [own, managed] = await Promise.all([
    skillsIn(places.workspace, "workspace", surroundings),
    skillsIn(places.managed, "managed", surroundings),
  ]);
  const byKey = new Map([...managed, ...own].map((skill) => [skill.key, skill]));
  return [...byKey.values()].toSorted((a, b) => a.key.localeCompare(b.key));
}

async function skillsIn(
  root: string,
  source: FoundSkill["source"],
  surroundings: SkillSurroundings,
): Promise<FoundSkill[]> {
  const names = await readdir(root).catch(() => []); // there are none then
  const found = await Promise.all(
    names.slice(0, MAX_SKILLS).map(async (key): Promise<FoundSkill[]> => {
      const text = await readWorkspaceFile(root, join(key, "SKILL.md"), MAX_HEAD_BYTES);
      const head = text === undefined ? undefined : readSkillHead(text, key);
      if (head === undefined) return [];
      const missing = await missingOf(head.requirements, surroundings);
      const eligible = head.always || Object.values(missing).every((list) => list.length === 0);
      return [{ ...head, key, source, folder: join(root, key), missing, eligible }];
    }),
  );
  return found.flat();
}

async function missingOf(
  { bins, anyBins, env, config, os }: SkillRequirements,
  { searchPath, variables, platform, isSet }: SkillSurroundings,
): Promise<SkillRequirements> {
  const lacks = async (names: readonly string[]): Promise<string[]> => {
    const there = await Promise.all(names.map((name) => isProgram(name, searchPath)));
    return names.filter((_, index) => there[index] !== true);
  };
  const [noBins, noAny] = await Promise.all([lacks(bins), lacks(anyBins)]);
  return {
    bins: noBins,
    anyBins: noAny.length === anyBins.length ? noAny : [],
    env: env.filter((name) => !variables.has(name)),
    config: config.filter((path) => !isSet(path)),
    os: os.length === 0 || os.includes(platform) ? [] : os,
  };
}

async function isProgram(name: string, searchPath: string): Promise<boolean> {
  if (!/^[\w.+-]+$/.test(name)) return false;
  const tries = searchPath
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => access(join(folder, name), constants.X_OK));
  return Promise.any(tries).then(
    () => true,
    () => false,
  );
}
