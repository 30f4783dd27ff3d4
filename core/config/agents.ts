import { join, resolve } from "node:path";
import { modelChainOf, type ProviderSettings } from "./models.ts";
import type { Environment } from "./paths.ts";
import type { Config } from "./schema.ts";
import type { Identity } from "./sections/agents.ts";
import type { ToolPolicy } from "./sections/tools.ts";

/** The agent there is when the config names none. */
const MAIN = "main";

/** One agent, with all that it has from the defaults. */
export interface AgentEntry {
  readonly id: string;
  readonly isDefault: boolean;
  readonly name: string | undefined;
  readonly identity: Identity;
  /** Absolute. */
  readonly workspace: string;
  /** `provider/model`, the first one first. */
  readonly modelRefs: readonly [string, ...string[]];
  /** False: the model is that of all agents. */
  readonly hasOwnModel: boolean;
  /** Of all agents, and its own: a tool must be allowed by each. */
  readonly toolPolicies: readonly ToolPolicy[];
  /** Names of the skills it has; undefined: all. */
  readonly skills: readonly string[] | undefined;
  readonly promptLimits: PromptLimits;
  readonly systemPromptOverride: string | undefined;
  /** What it has of its own, in place of what all have. */
  readonly wishes?:
    | {
        readonly thinking: string | undefined;
        readonly fast: boolean | "auto" | undefined;
        readonly reasoning: "off" | "on" | "stream" | undefined;
      }
    | undefined;
}

/** How much a model is told before everything else, in characters. */
export interface PromptLimits {
  /** Of one file of the workspace. */
  readonly maxChars: number;
  /** Of all of them together. */
  readonly maxTotalChars: number;
  /** Of the list of skills. */
  readonly maxSkillsChars: number;
}

/** Where folders are looked for. Absolute. */
export interface AgentPlaces {
  readonly stateDir: string;
  readonly home: string;
}

/** All agents, the default one among them; never empty. Pure. */
export function agentsOf(
  config: Config,
  environment: Environment,
  providers: Readonly<Record<string, ProviderSettings>>,
  places: AgentPlaces,
): readonly [AgentEntry, ...AgentEntry[]] {
  const [first, ...others] = writtenAgents(config);
  const all = [first, ...others];
  const chosen = all.find((one) => one.default === true);
  const defaultId = (chosen ?? all.find(({ id }) => id === MAIN) ?? first).id;
  const made = (entry: Written): AgentEntry => {
    const isDefault = entry.id === defaultId;
    const chain = modelChainOf(config, providers, entry.model);
    return {
      id: entry.id,
      isDefault,
      name: entry.name,
      identity: { ...(isDefault ? config.identity : {}), ...entry.identity },
      workspace: workspaceOf(entry, isDefault, config, environment, places),
      modelRefs: chain,
      hasOwnModel: entry.model !== undefined,
      toolPolicies: [config.tools, ...(entry.tools === undefined ? [] : [entry.tools])],
      skills: entry.skills ?? config.agents.defaults.skills,
      promptLimits: promptLimitsOf(entry, config),
      wishes: {
        thinking: entry.thinkingDefault,
        fast: entry.fastModeDefault,
        reasoning: entry.reasoningDefault,
      },
      systemPromptOverride:
        entry.systemPromptOverride ?? config.agents.defaults.systemPromptOverride,
    };
  };
  return [made(first), ...others.map(made)];
}

type Written = Config["agents"]["list"][number];

/** What stands under `entries` adds to `list`; without either there is one agent. */
export function writtenAgents({ agents }: Config): [Written, ...Written[]] {
  const byId = new Map<string, Written>(agents.list.map((entry) => [entry.id, entry]));
  for (const [id, entry] of Object.entries(agents.entries)) {
    const listed = byId.get(id);
    const identity = { ...listed?.identity, ...entry.identity };
    byId.set(id, { ...listed, id, ...entry, identity });
  }
  const [first = { id: MAIN }, ...others] = byId.values();
  return [first, ...others];
}

function promptLimitsOf(entry: Written, { agents: { defaults }, skills }: Config): PromptLimits {
  return {
    maxChars: entry.bootstrapMaxChars ?? defaults.bootstrapMaxChars,
    maxTotalChars: entry.bootstrapTotalMaxChars ?? defaults.bootstrapTotalMaxChars,
    maxSkillsChars: entry.skillsLimits?.maxSkillsPromptChars ?? skills.limits.maxSkillsPromptChars,
  };
}

function workspaceOf(
  { id, workspace }: Written,
  isDefault: boolean,
  { agents: { defaults } }: Config,
  environment: Environment,
  places: AgentPlaces,
): string {
  if (workspace !== undefined) return absolute(workspace, places);
  const given = environment["OPENCLAW_WORKSPACE_DIR"] ?? defaults.workspace;
  const root = given === undefined ? join(places.stateDir, "workspace") : absolute(given, places);
  // Beside the default one: two agents that write into one folder would be one agent.
  return isDefault ? root : `${root}-${id}`;
}

function absolute(path: string, { home, stateDir }: AgentPlaces): string {
  return resolve(stateDir, path.replace(/^~(?=$|[/\\])/, home));
}
