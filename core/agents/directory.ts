import { GatewayError } from "../../shared/errors.ts";
import type { AgentEntry } from "../config/agents.ts";
import type { ProviderModel } from "../config/sections/models.ts";
import type { Settings } from "../config/settings.ts";
import { factsOf, thinkingOf } from "../models/catalog.ts";
import type { Model, Thinking } from "../models/model.ts";
import type { Prices } from "../models/prices.ts";
import { fastWish, type ThinkingFacts, thinkingWish } from "../models/wishes.ts";
import { Minds } from "./minds.ts";
import type { FoundSkill } from "./skills/eligible.ts";
import type { AgentTool, Tool } from "./tool.ts";
import type { ToolProfile } from "./tool-groups.ts";
import { isAllowed, profileOf as profileOfTools } from "./tool-policy.ts";
import { Toolbox } from "./toolbox.ts";
import { READ_TOOL } from "./tools/read-skill.ts";
import type { Place, TurnScope } from "./turn-scope.ts";

/** An agent, as those who list or choose one see it. */
export interface AgentProfile {
  readonly id: string;
  readonly name: string | undefined;
  readonly isDefault: boolean;
  readonly identity: {
    readonly name?: string | undefined;
    readonly emoji?: string | undefined;
    readonly avatar?: string | undefined;
    readonly theme?: string | undefined;
  };
  /** Absolute. It may not be there yet. */
  readonly workspace: string;
  /** `provider/model`: tried in this order. */
  readonly modelRefs: readonly [string, ...string[]];
  readonly toolNames: readonly string[];
}

/** Who answers. Read for every turn, so that a changed config counts from the next one on. */
export interface AgentSettings {
  /** Tried in this order. */
  readonly models: readonly Model[];
  readonly tools: readonly Tool[];
  /** Whether a model of the chain may use a tool, `provider/model`. Undefined: all may use all. */
  readonly mayUse?: ((tool: string, modelRef: string) => boolean) | undefined;
  /** Empty: none. */
  readonly system: string;
  /** What `provider/model` costs; undefined: not known. */
  readonly prices?: ((ref: string) => Prices | undefined) | undefined;
  /** How much a model thinks when nobody says; undefined: its provider decides. */
  readonly thinking?: ((ref: string) => Thinking | undefined) | undefined;
  readonly fast?: ((ref: string) => boolean | undefined) | undefined;
  /** Whether what is thought is told when nobody says. */
  readonly reasoning?: "off" | "on" | "stream" | undefined;
}

/** Who there is. Everything is as the settings are at the time of the call. */
export interface AgentDirectory {
  defaultId(): string;
  /** The default one first. */
  list(): readonly AgentProfile[];
  find(id: string): AgentProfile | undefined;
  /** What is known of the model `provider/model`. */
  facts(ref: string): Pick<ProviderModel, "contextWindow" | "cost">;
  /** How much a model can be told to think, and how much it is for an agent when nobody says. */
  thinking(agentId: string, ref: string): ThinkingFacts;
  /**
   * What `agentId` answers a turn with.
   *
   * @param model - `provider/model` or an alias of one, in place of the agent's own chain.
   * @param scope - Files about the owner stay out of sessions that are shared, and so do tools. The
   *   key of a session alone: nothing else is known of the turn.
   * @throws GatewayError `not_found` for an agent that there is not, `model_not_found` for a model.
   */
  settingsFor(agentId: string, model?: string, scope?: TurnScope | string): Promise<AgentSettings>;
  /**
   * The tools that `agentId` has in a turn, for the first of its models.
   *
   * @throws GatewayError `not_found` for an agent that there is not.
   */
  toolsFor(agentId: string, scope: TurnScope): Promise<readonly Tool[]>;
  /** Where what it may use begins. @throws GatewayError `not_found` */
  toolProfileOf(agentId: string): ToolProfile;
  /** All there are, whoever has them. */
  tools(): readonly AgentTool[];
  /** The skills of an agent, of use or not. @throws GatewayError `not_found` */
  skillsOf(agentId: string): Promise<readonly FoundSkill[]>;
  /** Adds what only a gateway that leads can do; the same name again takes the place of the first. */
  equip(tools: readonly AgentTool[]): void;
  /** Says from now on whether a conversation of a channel is the owner's own; until then none is. */
  knowOwner(isOwners: (place: Place) => Promise<boolean>): void;
  /**
   * The model that `ref` names, made once for as long as its provider stays as it is.
   *
   * @throws GatewayError as `createModel`, but for a missing key: that is said by its answers.
   */
  model(ref: string): Promise<Model>;
}

/** What of the settings says who there is. */
export type DirectorySettings = Pick<
  Settings,
  "agents" | "providers" | "config" | "stateDir" | "surroundings"
>;

export interface DirectoryParts {
  readonly settings: () => DirectorySettings;
  readonly createModel: (ref: string, providers: Settings["providers"]) => Promise<Model>;
  readonly tools: readonly AgentTool[];
}

interface ListOf {
  readonly of: DirectorySettings;
  readonly list: readonly AgentProfile[];
}

interface ModelsOf {
  readonly of: Settings["providers"];
  readonly byRef: Map<string, Promise<Model>>;
}

/** Model refs of calls are anybody's: what is kept of them is bounded. */
const MAX_MODELS = 256;

/** Follows the settings: nothing of them is kept but what is made of them. */
export function createDirectory(parts: DirectoryParts): AgentDirectory {
  const { settings, createModel } = parts;
  const minds = new Minds(settings);
  const tools = new Toolbox([...parts.tools, minds.readTool((id) => entryOf(id))]);
  let profiles: ListOf | undefined;
  let models: ModelsOf | undefined;

  function list(): readonly AgentProfile[] {
    const now = settings();
    if (profiles?.of !== now) {
      const sorted = now.agents.toSorted((a, b) => Number(b.isDefault) - Number(a.isDefault));
      profiles = { of: now, list: sorted.map((entry) => profileOf(entry, tools.all)) };
    }
    return profiles.list;
  }

  function model(ref: string): Promise<Model> {
    const { providers } = settings();
    if (models?.of !== providers) models = { of: providers, byRef: new Map() };
    const { byRef } = models;
    const known = byRef.get(ref);
    if (known !== undefined) return known;
    const made = createModel(ref, providers);
    byRef.set(ref, made);
    made.catch(() => byRef.delete(ref));
    const [oldest] = byRef.keys();
    if (byRef.size > MAX_MODELS && oldest !== undefined) byRef.delete(oldest);
    return made;
  }

  const facts: AgentDirectory["facts"] = (ref) =>
    factsOf(aliased(ref, settings().config), settings());
  const prices = (ref: string): Prices | undefined => facts(ref).cost;

  function entryOf(agentId: string): AgentEntry {
    const entry = settings().agents.find(({ id }) => id === agentId);
    if (entry === undefined) throw new GatewayError("not_found", `Unknown agent '${agentId}'.`);
    return entry;
  }

  return {
    defaultId: () => list()[0]?.id ?? "main",
    list,
    find: (id) => list().find((one) => one.id === id),
    model,
    facts,
    thinking(agentId, ref) {
      const live = settings();
      const entry = live.agents.find(({ id }) => id === agentId);
      return thinkingOf(ref, live, entry);
    },
    async settingsFor(agentId, override, given = {}) {
      const entry = entryOf(agentId);
      const scope = typeof given === "string" ? { sessionKey: given } : given;
      const refs = refsOf(entry, override, scope, settings().config);
      const [usable, ...chain] = await Promise.all([usableIn(entry, scope), ...refs.map(model)]);
      const isGuest = await tools.isForGuest(scope);
      const system = await minds.system(entry, scope, { tools: usable, isGuest });
      const mayUse = (tool: string, ref: string): boolean =>
        isAllowed(tool, entry.toolPolicies, ref);
      const { config } = settings();
      const thinking = (ref: string): Thinking | undefined => thinkingWish(entry, ref, { config });
      const fast = (ref: string): boolean | undefined => fastWish(entry, ref, { config });
      const reasoning = entry.wishes?.reasoning ?? config.agents.defaults.reasoningDefault;
      const wishes = { thinking, fast, reasoning };
      return { models: chain, tools: usable, mayUse, system, prices, ...wishes };
    },
    async toolsFor(agentId, scope) {
      const entry = entryOf(agentId);
      const [ref] = entry.modelRefs;
      const usable = await usableIn(entry, scope);
      return usable.filter(({ spec }) => isAllowed(spec.name, entry.toolPolicies, ref));
    },
    toolProfileOf: (agentId) => profileOfTools(entryOf(agentId).toolPolicies),
    tools: () => tools.all,
    skillsOf: (agentId) => minds.skills(entryOf(agentId)),
    equip(more) {
      tools.add(more);
      profiles = undefined;
    },
    knowOwner: (isOwners) => tools.knowOwner(isOwners),
  };

  async function usableIn(entry: AgentEntry, scope: TurnScope): Promise<readonly Tool[]> {
    const usable = await tools.usable(entry, scope);
    const isIdle = (await minds.listed(entry)).length === 0;
    return isIdle ? usable.filter(({ spec }) => spec.name !== READ_TOOL) : usable;
  }
}

function refsOf(
  { modelRefs }: AgentEntry,
  override: string | undefined,
  { fallbacks }: TurnScope,
  config: Settings["config"],
): readonly string[] {
  const [first, ...others] = modelRefs;
  const standIns = fallbacks?.map((name) => aliased(name, config));
  if (override === undefined) return [first, ...(standIns ?? others)];
  return [aliased(override, config), ...(standIns ?? [])];
}

/** What `agents.defaults.models` calls by a shorter name. */
export function aliased(name: string, { agents }: Settings["config"]): string {
  const known = Object.entries(agents.defaults.models).find(
    ([, { alias }]) => alias?.toLowerCase() === name.toLowerCase(),
  );
  return known?.[0] ?? name;
}

function profileOf(entry: AgentEntry, tools: readonly AgentTool[]): AgentProfile {
  const { id, name, isDefault, identity, workspace, modelRefs, toolPolicies } = entry;
  const names = tools.map(({ spec }) => spec.name);
  const toolNames = names.filter((tool) => isAllowed(tool, toolPolicies));
  return { id, name, isDefault, identity, workspace, modelRefs, toolNames };
}
