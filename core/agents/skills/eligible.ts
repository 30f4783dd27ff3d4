/** Which skills are of use here, and what is missing for the others. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import type { Settings } from "../../config/settings.ts";
import type { ScannedSkill } from "./scan.ts";
import type { SkillRequirements } from "./skill-file.ts";

export interface FoundSkill extends ScannedSkill {
  readonly missing: SkillRequirements;
  /** Nothing is missing. */
  readonly eligible: boolean;
  /** The config has switched it off. */
  readonly disabled: boolean;
  /** It is not one of this agent. */
  readonly hidden: boolean;
}

type Judge = Pick<Settings, "config" | "surroundings">;

/** Folders of PATH; a long one is somebody's mistake. */
const MAX_PATH_FOLDERS = 64;

export function judged(
  skills: readonly ScannedSkill[],
  owner: { readonly skills: readonly string[] | undefined },
  judge: Judge,
): Promise<readonly FoundSkill[]> {
  const programs = new Map<string, Promise<boolean>>();
  const folders = pathFolders(judge.surroundings);
  const isThere = (name: string): Promise<boolean> => {
    const known = programs.get(name) ?? isProgram(name, folders);
    programs.set(name, known);
    return known;
  };
  return Promise.all(
    skills.map(async (skill) => {
      const missing = await missingOf(skill, judge, isThere);
      const { os, ...others } = missing;
      const lacks = Object.values(others).some((list) => list.length > 0);
      return {
        ...skill,
        missing,
        eligible: os.length === 0 && (skill.always || !lacks),
        disabled: entryOf(skill, judge)?.enabled === false,
        hidden: owner.skills !== undefined && !owner.skills.includes(skill.name),
      };
    }),
  );
}

/** What the config says of a skill. */
export function entryOf(
  { key }: { readonly key: string },
  { config }: Pick<Settings, "config">,
): Settings["config"]["skills"]["entries"][string] | undefined {
  const { entries } = config.skills;
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

/** Where programs are looked for. */
export function pathFolders({ searchPath }: Settings["surroundings"]): readonly string[] {
  return searchPath.split(delimiter).filter(isAbsolute).slice(0, MAX_PATH_FOLDERS);
}

async function missingOf(
  skill: ScannedSkill,
  judge: Judge,
  isThere: (program: string) => Promise<boolean>,
): Promise<SkillRequirements> {
  const { bins, anyBins, env, config, os } = skill.requirements;
  const lacks = async (names: readonly string[]): Promise<string[]> => {
    const there = await Promise.all(names.map(isThere));
    return names.filter((_, index) => there[index] !== true);
  };
  const [noBins, noAny] = await Promise.all([lacks(bins), lacks(anyBins)]);
  const given = entryOf(skill, judge);
  const isSet = (name: string): boolean =>
    judge.surroundings.variables.has(name) ||
    given?.env.includes(name) === true ||
    (given?.apiKey !== undefined && name === skill.primaryEnv);
  return {
    bins: noBins,
    anyBins: noAny.length === anyBins.length ? noAny : [],
    env: env.filter((name) => !isSet(name)),
    config: config.filter((path) => !isTrue(judge.config, path.split("."))),
    os: os.length === 0 || os.includes(process.platform) ? [] : os,
  };
}

/** Own settings only, and none that are empty. */
function isTrue(tree: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return Boolean(tree);
  return (
    typeof tree === "object" &&
    tree !== null &&
    Object.hasOwn(tree, key) &&
    isTrue(Reflect.get(tree, key), rest)
  );
}

function isProgram(name: string, folders: readonly string[]): Promise<boolean> {
  if (!/^[\w.+-]+$/.test(name)) return Promise.resolve(false);
  const tries = folders.map((folder) => access(join(folder, name), constants.X_OK));
  return Promise.any(tries).then(
    () => true,
    () => false,
  );
}
