import { GatewayError } from "../../shared/errors.ts";
import type { AgentEntry } from "../config/agents.ts";
import type { Settings } from "../config/settings.ts";
import type { Model } from "../models/model.ts";
import type { Tool } from "./tool.ts";
import { isAllowed } from "./tool-policy.ts";
import { LivePrompts } from "./workspace/live-prompt.ts";
import { promptFilesOf } from "./workspace/names.ts";

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

/** What answers a turn. */
export interface AgentSettings {
  /** Tried in this order. */
  readonly models: readonly Model[];
  readonly tools: readonly Tool[];
  /** Empty: none. */
  readonly system: string;
}

/** Who there is. Everything is as the settings are at the time of the call. */
export interface AgentDirectory {
  defaultId(): string;
  /** The default one first. */
  list(): readonly AgentProfile[];
  find(id: string): AgentProfile | undefined;
  /**
   * What `agentId` answers a turn with.
   *
   * @param model - `provider/model` or an alias of one, in place of the agent's own chain.
   * @param sessionKey - Files about the owner stay out of sessions that are shared.
   * @throws GatewayError `not_found` for an agent that there is not, `model_not_found` for a model.
   */
  settingsFor(agentId: string, model?: string, sessionKey?: string): Promise<AgentSettings>;
  /**
   * The model that `ref` names, made once for as long as its provider stays as it is.
   *
   * @throws GatewayError as `createModel`, but for a missing key: that is said by its answers.
   */
  model(ref: string): Promise<Model>;
}

/** What of the settings says who there is. */
export type DirectorySettings = Pick<Settings, "agents" | "providers" | "config">;

export interface DirectoryParts {
  readonly settings: () => DirectorySettings;
  readonly createModel: (ref: string, providers: Settings["providers"]) => Promise<Model>;
  readonly tools: readonly Tool[];
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
  const { settings, createModel, tools } = parts;
  const prompts = new LivePrompts();
  let profiles: ListOf | undefined;
  let models: ModelsOf | undefined;

  function list(): readonly AgentProfile[] {
    const now = settings();
    if (profiles?.of !== now) {
      const sorted = now.agents.toSorted((a, b) => Number(b.isDefault) - Number(a.isDefault));
      profiles = { of: now, list: sorted.map((entry) => profileOf(entry, tools)) };
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
    async settingsFor(agentId, override, sessionKey) {
      const entry = entryOf(agentId);
      const { config } = settings();
      const refs = override === undefined ? entry.modelRefs : [aliased(override, config)];
      const { bootstrapMaxChars: maxChars, bootstrapTotalMaxChars: maxTotalChars } =
        config.agents.defaults;
      const [system, ...chain] = await Promise.all([
        entry.systemPromptOverride ??
          prompts.of({
            workspace: entry.workspace,
            name: entry.identity.name ?? entry.name,
            files: promptFilesOf(sessionKey),
            limits: { maxChars, maxTotalChars },
          }),
        ...refs.map(model),
      ]);
      return { models: chain, tools: allowedTools(entry, tools), system };
    },
  };
}

/** What `agents.defaults.models` calls by a shorter name. */
export function aliased(name: string, { agents }: Settings["config"]): string {
  const known = Object.entries(agents.defaults.models).find(
    ([, { alias }]) => alias?.toLowerCase() === name.toLowerCase(),
  );
  return known?.[0] ?? name;
}

function profileOf(entry: AgentEntry, tools: readonly Tool[]): AgentProfile {
  const { id, name, isDefault, identity, workspace, modelRefs } = entry;
  const toolNames = allowedTools(entry, tools).map(({ spec }) => spec.name);
  return { id, name, isDefault, identity, workspace, modelRefs, toolNames };
}

function allowedTools({ toolPolicies }: AgentEntry, tools: readonly Tool[]): readonly Tool[] {
  return tools.filter(({ spec }) => isAllowed(spec.name, toolPolicies));
}
