/** The skills of agents, read again when something about them has changed. */
import { realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Settings } from "../../config/settings.ts";
import { type FoundSkill, judged, pathFolders } from "./eligible.ts";
import { scan, type ScannedSkill, type SkillRoot, versionOf } from "./scan.ts";

/** What of the settings skills depend on. */
export type SkillSettings = Pick<Settings, "config" | "stateDir" | "surroundings">;

/** Whose skills. */
export interface SkillOwner {
  /** Absolute. */
  readonly workspace: string;
  /** Names of the skills it has; undefined: all. */
  readonly skills: readonly string[] | undefined;
}

/** One for each workspace; what is asked for least recently goes first. */
const MAX_KEPT = 128;

interface Kept {
  readonly settings: SkillSettings;
  readonly versions: ReadonlyMap<string, string>;
  readonly skills: readonly FoundSkill[];
}

export class SkillShelf {
  readonly #kept = new Map<string, Kept>();

  /** All there are, of use or not, by name. */
  async of(owner: SkillOwner, settings: SkillSettings): Promise<readonly FoundSkill[]> {
    const key = JSON.stringify([owner.workspace, owner.skills]);
    const known = this.#kept.get(key);
    this.#kept.delete(key);
    const isFresh = known?.settings === settings && isUnchanged(known.versions);
    const kept = isFresh ? known : await found(owner, settings);
    this.#kept.set(key, kept);
    if (this.#kept.size > MAX_KEPT) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    return kept.skills;
  }

  /** Those that a model is told of. */
  async listed(owner: SkillOwner, settings: SkillSettings): Promise<readonly FoundSkill[]> {
    const all = await this.of(owner, settings);
    const usable = all.filter((one) => isUsable(one) && one.forModels);
    return usable.slice(0, settings.config.skills.limits.maxSkillsInPrompt);
  }
}

/** On, of this agent, and with everything it needs. */
export function isUsable({ eligible, disabled, hidden }: FoundSkill): boolean {
  return eligible && !disabled && !hidden;
}

/** Where skills are looked for; what is found later wins. */
export function skillRoots(workspace: string, settings: SkillSettings): readonly SkillRoot[] {
  const { config, stateDir, surroundings } = settings;
  const extra = config.skills.load.extraDirs.map((path): SkillRoot => {
    return { path: absolute(path, settings), source: "extra", followsLinks: false };
  });
  const personal: SkillRoot[] =
    // Of another state folder than the usual one: what is in the home is somebody else's.
    stateDir === join(surroundings.home, ".openclaw")
      ? [
          {
            path: join(surroundings.home, ".agents", "skills"),
            source: "personal",
            followsLinks: true,
          },
        ]
      : [];
  return [
    ...extra.toReversed(),
    { path: join(stateDir, "skills"), source: "managed", followsLinks: true },
    ...personal,
    { path: join(workspace, ".agents", "skills"), source: "project", followsLinks: false },
    { path: join(workspace, "skills"), source: "workspace", followsLinks: false },
  ];
}

function absolute(path: string, { stateDir, surroundings }: SkillSettings): string {
  return resolve(stateDir, path.replace(/^~(?=$|[/\\])/, surroundings.home));
}

async function found(owner: SkillOwner, settings: SkillSettings): Promise<Kept> {
  const { skills } = settings.config;
  const links = skills.load.allowSymlinkTargets.map((path) => absolute(path, settings));
  const real = await Promise.all(links.map((path) => realpath(path).catch(() => undefined)));
  const targets = real.filter((path) => path !== undefined);
  const versions = new Map<string, string>();
  const byName = new Map<string, ScannedSkill>();
  for (const root of skillRoots(owner.workspace, settings)) {
    const made = await scan(root, targets, skills.limits);
    for (const [path, version] of made.versions) versions.set(path, version);
    // The first of one place; of several places the last.
    for (const skill of made.skills.toReversed()) byName.set(skill.name, skill);
  }
  const all = [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const asks = all.some(({ requirements: { bins, anyBins } }) => bins.length + anyBins.length > 0);
  if (asks) {
    for (const folder of pathFolders(settings.surroundings)) {
      versions.set(folder, versionOf(folder));
    }
  }
  return { settings, versions, skills: await judged(all, owner, settings) };
}

function isUnchanged(versions: ReadonlyMap<string, string>): boolean {
  for (const [path, version] of versions) if (versionOf(path) !== version) return false;
  return true;
}
