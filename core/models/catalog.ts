/** The models that the settings name, and what is known of them. Pure. */
import type { ProviderModel } from "../config/sections/models.ts";
import type { Settings } from "../config/settings.ts";
import { resolveModel } from "./resolve.ts";
import { DEMO_REF } from "./settings.ts";
import { type ThinkingFacts, profileOf, thinkingFacts, thinkingWish } from "./wishes.ts";
import { windowOf } from "./windows.ts";

export interface CatalogModel {
  /** `provider/model` */
  readonly ref: string;
  readonly provider: string;
  /** The provider's own name for it. */
  readonly id: string;
  readonly name: string;
  readonly alias: string | undefined;
  readonly tags: readonly string[];
  /** Undefined: it can be asked. */
  readonly unavailable: "missing-auth" | "unknown-provider" | undefined;
  readonly contextWindow: number | undefined;
  readonly maxTokens: number | undefined;
  readonly reasoning: boolean;
  readonly thinking: ThinkingFacts;
  readonly input: readonly NonNullable<ProviderModel["input"]>[number][];
  /** Whether it runs on this machine or in its network. */
  readonly local: boolean;
  readonly cost: ProviderModel["cost"];
}

export type CatalogSettings = Pick<Settings, "config" | "providers" | "agents">;

/** Every model that is in use, has an alias, or stands in the list of its provider; each once. */
export function catalogOf(settings: CatalogSettings, agentId?: string): CatalogModel[] {
  const { agents, config } = settings;
  const agent = agents.find(({ id, isDefault }) => (agentId ? id === agentId : isDefault));
  const listed = Object.entries(config.models.providers).flatMap(([provider, { models }]) =>
    models.map(({ id }) => `${provider}/${id}`),
  );
  const aliases = config.agents.defaults.models;
  const refs = new Set([
    ...(agent?.modelRefs ?? []),
    ...agents.flatMap(({ modelRefs }) => modelRefs),
    ...Object.keys(aliases).filter((ref) => ref.includes("/")),
    ...listed,
  ]);
  return [...refs].map((ref) => entryOf(ref, settings, agent));
}

function entryOf(
  ref: string,
  settings: CatalogSettings,
  agent: CatalogSettings["agents"][number] | undefined,
): CatalogModel {
  const [provider, id] = split(ref);
  const { providers, config } = settings;
  const facts = factsOf(ref, settings);
  const { contextWindow, maxTokens, input = ["text"], cost, name } = facts;
  const thinking = thinkingOf(ref, settings, agent);
  const aliases = config.agents.defaults.models;
  return {
    ref,
    provider,
    id,
    name: name ?? (ref === DEMO_REF ? "Demo (echo)" : id),
    alias: Object.hasOwn(aliases, ref) ? aliases[ref]?.alias : undefined,
    tags: tagsOf(ref, agent?.modelRefs ?? []),
    unavailable: unavailableOf(ref, settings),
    contextWindow,
    maxTokens,
    reasoning: facts.reasoning ?? thinking.thinkingOptions.length > 1,
    thinking,
    input,
    local: ref === DEMO_REF || isLocal(providers, provider),
    cost,
  };
}

/**
 * How much a model can be told to think, and how much it is when nobody says.
 *
 * @param agent - Whose wishes count; undefined: nobody's.
 */
export function thinkingOf(
  ref: string,
  settings: CatalogSettings,
  agent?: CatalogSettings["agents"][number],
): ThinkingFacts {
  const profile = profileOf(ref, factsOf(ref, settings), settings);
  const wish = agent === undefined ? undefined : thinkingWish(agent, ref, settings);
  return thinkingFacts(profile, wish);
}

/** What the config says of a model in the list of its provider, and what is known by its name. */
export function factsOf(ref: string, { config }: Pick<Settings, "config">): Partial<ProviderModel> {
  const [provider, id] = split(ref);
  const { providers } = config.models;
  const models = Object.hasOwn(providers, provider) ? providers[provider]?.models : undefined;
  const free = ref === DEMO_REF ? { cost: { input: 0, output: 0 } } : {};
  return { ...windowOf(id), ...free, ...models?.find((model) => model.id === id) };
}

/** Where the key of a provider comes from; undefined: it has none. */
export function keySourceOf(
  provider: string,
  { config, providers }: Pick<Settings, "config" | "providers">,
): "config" | "env" | undefined {
  if (!Object.hasOwn(providers, provider) || providers[provider]?.apiKey === undefined) {
    return undefined;
  }
  const written = config.models.providers;
  const inFile = Object.hasOwn(written, provider) && written[provider]?.apiKey !== undefined;
  return inFile ? "config" : "env";
}

/** Provider and the provider's own name. */
export function split(ref: string): readonly [string, string] {
  const at = ref.indexOf("/");
  return [ref.slice(0, at), ref.slice(at + 1)];
}

function tagsOf(ref: string, chain: readonly string[]): readonly string[] {
  const at = chain.indexOf(ref);
  if (at < 0) return ["configured"];
  return at === 0 ? ["default"] : [`fallback#${at}`];
}

function unavailableOf(ref: string, { providers }: CatalogSettings): CatalogModel["unavailable"] {
  if (ref === DEMO_REF) return undefined;
  const resolved = resolveModel(ref, providers, Date.now);
  if (resolved.ok) return undefined;
  return resolved.error.code === "model_unauthorized" ? "missing-auth" : "unknown-provider";
}

const PRIVATE =
  /^(?:localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|\[::1\]|\[f[cd])|\.local$/;

function isLocal(providers: Settings["providers"], id: string): boolean {
  const baseUrl = Object.hasOwn(providers, id) ? providers[id]?.baseUrl : undefined;
  return baseUrl !== undefined && PRIVATE.test(URL.parse(baseUrl)?.hostname ?? "");
}
