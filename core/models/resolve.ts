import type { ErrorCode } from "../../shared/errors.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { KNOWN_PROVIDERS } from "../config/known-providers.ts";
import {
  type AdapterSettings,
  DEMO_REF,
  MODEL_TIMEOUTS,
  type ModelApi,
  type Provider,
  type ProviderSettings,
} from "./settings.ts";

/** Providers name models with letters, digits and `.:_-/@+`; anything else is a slip of the pen. */
const REF = /^(?<provider>[a-z0-9][a-z0-9._-]{0,63})\/(?<model>[A-Za-z0-9][\w.:/@+-]{0,199})$/;

export interface ResolvedModel {
  readonly api: ModelApi;
  readonly settings: AdapterSettings;
}

/** `message` names the ref and the setting at fault, never a value of the settings. */
export interface UnusableModel {
  readonly code: Extract<ErrorCode, "model_not_found" | "model_unauthorized" | "invalid_request">;
  readonly message: string;
}

/** Looks `ref` up and fills in the defaults. Pure. */
export function resolveModel(
  ref: string,
  providers: ProviderSettings,
  now: () => number,
): Result<ResolvedModel, UnusableModel> {
  const { provider: id, model } = REF.exec(ref)?.groups ?? {};
  if (id === undefined || model === undefined) {
    return unusable("model_not_found", `A model is named "provider/model", not "${clip(ref)}"`);
  }
  const provider = Object.hasOwn(providers, id) ? providers[id] : undefined;
  if (provider === undefined) {
    const known = [...Object.keys(providers).toSorted(), `the built-in ${DEMO_REF}`].join(", ");
    return unusable("model_not_found", `"${ref}": no provider "${id}"; there is: ${known}`);
  }
  const baseUrl = baseUrlOf(id, provider);
  if (!baseUrl.ok) return unusable("invalid_request", `"${ref}": ${baseUrl.error.message}`);
  if (needsKey(id, provider) && provider.apiKey === undefined) {
    return unusable("model_unauthorized", `"${ref}": the provider "${id}" needs an API key`);
  }
  return ok({
    api: provider.api,
    settings: {
      provider: id,
      model,
      apiKey: provider.apiKey,
      baseUrl: baseUrl.value,
      timeouts: timeoutsOf(provider),
      facts: factsOf(provider, model),
      now,
    },
  });
}

function factsOf({ modelFacts = {} }: Provider, model: string): AdapterSettings["facts"] {
  return Object.hasOwn(modelFacts, model) ? modelFacts[model] : undefined;
}

function baseUrlOf(id: string, provider: Provider): Result<string, { readonly message: string }> {
  const baseUrl = provider.baseUrl ?? KNOWN_PROVIDERS.get(id)?.baseUrl;
  // No default across vendors: a key must never travel to a host its owner did not name.
  if (baseUrl === undefined) return err({ message: `the provider "${id}" needs a baseUrl` });
  if (isUsableUrl(baseUrl)) return ok(baseUrl);
  return err({
    message: `the baseUrl of "${id}" must be an http or https URL without credentials`,
  });
}

/** At its own address a vendor asks for a key; what stands behind another one, nobody knows. */
function needsKey(id: string, provider: Provider): boolean {
  return provider.baseUrl === undefined && KNOWN_PROVIDERS.get(id)?.keyless !== true;
}

function timeoutsOf(provider: Provider): AdapterSettings["timeouts"] {
  return {
    firstByteMs: provider.firstByteTimeoutMs ?? MODEL_TIMEOUTS.firstByteMs,
    idleMs: provider.idleTimeoutMs ?? MODEL_TIMEOUTS.idleMs,
  };
}

function isUsableUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || url.protocol === "http:";
}

function unusable(
  code: UnusableModel["code"],
  message: string,
): Result<ResolvedModel, UnusableModel> {
  return err({ code, message });
}

/** The ref may come from a request: what is shown of it is short and printable. */
function clip(ref: string): string {
  return ref.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 80);
}
