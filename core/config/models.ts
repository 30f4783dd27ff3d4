import { Secret } from "../../shared/secret.ts";
import type { Environment } from "./paths.ts";
import type { Config } from "./schema.ts";
import type { ModelChoice } from "./sections/agents.ts";
import type { ProviderModel } from "./sections/models.ts";

/** As the models read it. */
interface ModelFacts {
  readonly reasoning?: boolean | undefined;
  readonly efforts?: readonly string[] | undefined;
  readonly maxTokens?: number | undefined;
}

/** One provider of models. What is undefined has the vendor's default, or there is none. */
export interface ProviderSettings {
  readonly api: "anthropic-messages" | "openai-completions";
  readonly apiKey: Secret | undefined;
  readonly baseUrl: string | undefined;
  /** Model ids the config lists for it. */
  readonly models: readonly string[];
  /** What the config says of them. Left out: nothing. */
  readonly modelFacts?: Readonly<Record<string, ModelFacts>> | undefined;
}

/**
 * Models used when the config names none. The balanced ones of their makers' current families.
 * Source: the model lists in the types of `@anthropic-ai/sdk` 1.12 and the examples of `openai` 7.57.
 */
const DEFAULT_MODELS = {
  anthropic: "anthropic/claude-sonnet-5-5",
  openai: "openai/gpt-5.5",
} as const;

/** The built-in model that needs no key. */
export const DEMO = "demo/echo";

/** Providers that exist without being configured, and the variables that set them up. */
const BUILT_IN = {
  anthropic: { key: "ANTHROPIC_API_KEY", baseUrl: "ANTHROPIC_BASE_URL" },
  openai: { key: "OPENAI_API_KEY", baseUrl: "OPENAI_BASE_URL" },
} as const;

/** The configured providers and the built-in ones; a variable fills in what the file leaves out. Pure. */
export function providersOf(
  config: Config,
  environment: Environment,
): Readonly<Record<string, ProviderSettings>> {
  const configured = Object.entries(config.models.providers).map(
    ([id, { api, apiKey, baseUrl, models }]): [string, ProviderSettings] => [
      id,
      {
        api: api ?? apiOf(id),
        apiKey,
        baseUrl,
        models: models.map((model) => model.id),
        modelFacts: modelFactsOf(models),
      },
    ],
  );
  const providers: Record<string, ProviderSettings> = Object.fromEntries(configured);
  for (const [id, names] of Object.entries(BUILT_IN)) {
    const given = Object.hasOwn(providers, id) ? providers[id] : undefined;
    providers[id] = builtIn(id, given, environment[names.key], environment[names.baseUrl]);
  }
  return providers;
}

/** What the file says of it counts before the variables. */
function builtIn(
  id: string,
  given: ProviderSettings | undefined,
  key: string | undefined,
  baseUrl: string | undefined,
): ProviderSettings {
  const api = given?.api ?? apiOf(id);
  const apiKey = given?.apiKey ?? (key === undefined ? undefined : new Secret(key));
  const { models = [], modelFacts } = given ?? {};
  return { api, apiKey, baseUrl: given?.baseUrl ?? baseUrl, models, modelFacts };
}

/** Undefined: nothing is said of any. */
function modelFactsOf(models: readonly ProviderModel[]): ProviderSettings["modelFacts"] {
  const facts = models.flatMap(({ id, reasoning, compat, maxTokens }) => {
    // Of a server that is said not to take efforts, nothing is asked.
    const thinks = compat?.supportsReasoningEffort === false ? false : reasoning;
    const efforts = compat?.supportedReasoningEfforts;
    const isSilent = thinks === undefined && efforts === undefined && maxTokens === undefined;
    return isSilent ? [] : [[id, { reasoning: thinks, efforts, maxTokens }] as const];
  });
  return facts.length === 0 ? undefined : Object.fromEntries(facts);
}

/**
 * The configured chain, or else the first built-in provider with a key, or else the demo. Pure.
 *
 * @param own - What an agent has of its own.
 */
export function modelChainOf(
  config: Config,
  providers: Readonly<Record<string, ProviderSettings>>,
  own?: ModelChoice,
): readonly [string, ...string[]] {
  const chosen = own ?? config.agents.defaults.model;
  if (chosen !== undefined) return [chosen.primary, ...chosen.fallbacks];
  if (providers["anthropic"]?.apiKey !== undefined) return [DEFAULT_MODELS.anthropic];
  if (providers["openai"]?.apiKey !== undefined) return [DEFAULT_MODELS.openai];
  return [DEMO];
}

function apiOf(id: string): ProviderSettings["api"] {
  return id === "anthropic" ? "anthropic-messages" : "openai-completions";
}
