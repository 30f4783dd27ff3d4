/** Flags of `onboard` that say who answers. Pure. */
import { GatewayError } from "../../../shared/errors.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import { Secret } from "../../../shared/secret.ts";
import { KNOWN_PROVIDERS } from "../../config/known-providers.ts";
import type { Settings } from "../../config/settings.ts";
import type { Given, Values } from "./options.ts";

/** Providers with a flag of their own for the key, by the word in it. */
const KEY_FLAGS = {
  anthropic: "anthropic",
  openai: "openai",
  openrouter: "openrouter",
  gemini: "google",
  groq: "groq",
  mistral: "mistral",
  deepseek: "deepseek",
  xai: "xai",
} as const;
/** They answer without a key. */
const KEYLESS: ReadonlySet<string> = new Set(["ollama", "lmstudio", "vllm"]);
/** A model to begin with; of others there is none that everybody has. */
const MODELS: Readonly<Record<string, string>> = {
  anthropic: "anthropic/claude-sonnet-5-5",
  openai: "openai/gpt-5.5",
};

/** Who answers. */
export interface ModelPlan {
  readonly provider: string;
  /** Undefined: it is in the variable, or none is needed. */
  readonly key: Secret | undefined;
  /** The variable that it is in. */
  readonly variable: string | undefined;
  readonly ref: string;
  readonly baseUrl: string | undefined;
  readonly api: "openai-completions" | "anthropic-messages" | undefined;
}

/** Undefined: nothing is said of any. An error says what is missing. */
export function modelOf(given: Given, values: Values): Result<ModelPlan | undefined, string> {
  const choice = values["auth-choice"];
  if (choice === "skip") return ok(undefined);
  if (choice === "custom-api-key" || values["custom-base-url"] !== undefined) return custom(values);
  const provider = providerOf(given, values);
  if (!provider.ok) return provider;
  const id = provider.value;
  if (id === undefined) return ok(undefined);
  return planFor(id, given, values);
}

function planFor(id: string, given: Given, values: Values): Result<ModelPlan, string> {
  const key = values["api-key"] ?? ownKey(id, given);
  const variable = values["api-key-env"];
  const hasAll = values.model !== undefined && (key ?? variable) !== undefined;
  // One of the config would do; of what is missing here, its address matters first.
  if (!KNOWN_PROVIDERS.has(id) && !hasAll) return err(unknownProvider(id));
  if (key === undefined && variable === undefined && !KEYLESS.has(id)) {
    return err(`${id} needs a key: --api-key-env NAME or --api-key KEY`);
  }
  const ref = values.model ?? MODELS[id];
  if (ref === undefined) return err(`which model of ${id}? say --model ${id}/NAME`);
  if (!ref.startsWith(`${id}/`)) return err(`--model must be one of ${id}, like ${id}/NAME`);
  const apiKey = secretOf(key);
  return ok({ provider: id, key: apiKey, variable, ref, baseUrl: undefined, api: undefined });
}

/** @throws GatewayError invalid_request for a provider that neither we nor the config know. */
export function requireAddress(
  model: ModelPlan | undefined,
  providers: Settings["providers"],
): void {
  if (model === undefined || KNOWN_PROVIDERS.has(model.provider)) return;
  const { provider: id, baseUrl } = model;
  const configured = Object.hasOwn(providers, id) ? providers[id]?.baseUrl : undefined;
  if ((baseUrl ?? configured) !== undefined) return;
  throw new GatewayError("invalid_request", unknownProvider(id));
}

/** What is said of a provider whose address nobody knows. */
function unknownProvider(id: string): string {
  const known = [...KNOWN_PROVIDERS.keys()].toSorted().join(", ");
  return `unknown provider "${id.slice(0, 64)}": there is ${known}; another one has --custom-base-url and --custom-model-id`;
}

/** Of `--openai-api-key` and its kin. */
function ownKey(id: string, given: Given): string | undefined {
  const word = Object.entries(KEY_FLAGS).find(([, one]) => one === id)?.[0];
  const value = Object.entries(given).find(([name]) => name === `${word}-api-key`)?.[1];
  return typeof value === "string" ? value : undefined;
}

/** Undefined: nothing is said of any. */
function providerOf(given: Given, values: Values): Result<string | undefined, string> {
  const choice = values["auth-choice"];
  if (choice !== undefined) {
    const word = choice === "apiKey" ? "anthropic" : choice.replace(/-api-key$/, "");
    const known: Readonly<Record<string, string>> = KEY_FLAGS;
    const id = known[word] ?? word;
    const isOurs = Object.values(known).includes(id) || KEYLESS.has(id);
    return isOurs
      ? ok(id)
      : err(`--auth-choice: this version signs in by keys alone, of ${choices()}`);
  }
  const named = Object.entries(KEY_FLAGS).find(([word]) =>
    Object.entries(given).some(
      ([name, value]) => name === `${word}-api-key` && value !== undefined,
    ),
  );
  return ok(values.provider ?? named?.[1] ?? values.model?.split("/")[0]);
}

function choices(): string {
  const keys = Object.keys(KEY_FLAGS).map((word) => `${word}-api-key`);
  return [...keys, ...KEYLESS, "custom-api-key", "skip"].join(", ");
}

function custom(values: Values): Result<ModelPlan, string> {
  const baseUrl = values["custom-base-url"];
  const id = values["custom-model-id"];
  if (baseUrl === undefined || id === undefined) {
    return err("a custom provider needs --custom-base-url and --custom-model-id");
  }
  const provider = values["custom-provider-id"];
  const isOpenAi = values["custom-compatibility"] === "openai";
  return ok({
    provider,
    key: secretOf(values["custom-api-key"] ?? values["api-key"]),
    variable: values["api-key-env"],
    ref: `${provider}/${id}`,
    baseUrl,
    api: isOpenAi ? "openai-completions" : "anthropic-messages",
  });
}

function secretOf(value: string | undefined): Secret | undefined {
  return value === undefined ? undefined : new Secret(value);
}
