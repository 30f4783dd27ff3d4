import { Secret } from "../../shared/secret.ts";
import type { Environment } from "./paths.ts";
import type { Config } from "./schema.ts";
import type { ModelChoice } from "./sections/agents.ts";
import type { ProviderSettings } from "./settings.ts";

/**
 * Models used when the config names none. The balanced ones of their makers' current families.
 * Source: the model lists in the types of `@anthropic-ai/sdk` 1.12 and the examples of `openai` 7.57.
 */
const DEFAULT_MODELS = {
  anthropic: "anthropic/claude-sonnet-5-5",
  openai: "openai/gpt-5.5",
} as const;

/** The built-in model that needs no key. */
const DEMO = "demo/echo";

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
      { api: api ?? apiOf(id), apiKey, baseUrl, models: models.map((model) => model.id) },
    ],
  );
  const providers: Record<string, ProviderSettings> = Object.fromEntries(configured);
  for (const [id, names] of Object.entries(BUILT_IN)) {
    const given = Object.hasOwn(providers, id) ? providers[id] : undefined;
    const key = environment[names.key];
    providers[id] = {
      api: given?.api ?? apiOf(id),
      apiKey: given?.apiKey ?? (key === undefined ? undefined : new Secret(key)),
      baseUrl: given?.baseUrl ?? environment[names.baseUrl],
      models: given?.models ?? [],
    };
  }
  return providers;
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
