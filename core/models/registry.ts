import { GatewayError } from "../../shared/errors.ts";
import { createDemo } from "./demo/model.ts";
import type { Embedder } from "./embedder.ts";
import type { Model } from "./model.ts";
import { resolveModel } from "./resolve.ts";
import {
  type AdapterSettings,
  DEMO_REF,
  type ModelApi,
  type ProviderSettings,
} from "./settings.ts";
import { createUnavailable } from "./unavailable.ts";

/** An SDK costs a tenth of a second and 20 MB: it is loaded when its first request is made. */
const ADAPTERS = {
  "anthropic-messages": async (settings) =>
    (await import("./anthropic/model.ts")).createAnthropic(settings),
  "openai-completions": async (settings) =>
    (await import("./openai/model.ts")).createOpenAi(settings),
} as const satisfies Record<ModelApi, (settings: AdapterSettings) => Promise<Model>>;

/**
 * The model that `ref` (`provider/model`) names. Checks everything that can be checked without a
 * request, so that a mistake in the config shows at the start and not in the first conversation.
 *
 * @throws GatewayError `model_not_found` when the ref or its provider is unknown,
 *   `model_unauthorized` when a key is needed and there is none, `invalid_request` for a bad base URL.
 */
export async function createModel(
  ref: string,
  providers: ProviderSettings,
  now: () => number = Date.now,
): Promise<Model> {
  if (ref === DEMO_REF) return createDemo();
  const resolved = resolveModel(ref, providers, now);
  if (!resolved.ok) throw new GatewayError(resolved.error.code, resolved.error.message);
  const { api, settings } = resolved.value;
  return loadedOnFirstUse(ref, async () => ADAPTERS[api](settings));
}

/**
 * The same for a model that the config names: one without a key says so in place of its answers,
 * and does not keep the rest from working.
 *
 * @throws GatewayError as `createModel`, but `model_unauthorized`.
 */
export async function createConfiguredModel(
  ref: string,
  providers: ProviderSettings,
  now: () => number = Date.now,
): Promise<Model> {
  if (ref === DEMO_REF) return createDemo();
  const resolved = resolveModel(ref, providers, now);
  if (resolved.ok || resolved.error.code !== "model_unauthorized") {
    return createModel(ref, providers, now);
  }
  return createUnavailable(ref, "model_unauthorized", resolved.error.message);
}

/**
 * The embedding model that `ref` names.
 *
 * @throws GatewayError as `createModel`; `invalid_request` for a provider that has no embeddings.
 */
export async function createEmbedder(
  ref: string,
  providers: ProviderSettings,
  now: () => number = Date.now,
): Promise<Embedder> {
  const resolved = resolveModel(ref, providers, now);
  if (!resolved.ok) throw new GatewayError(resolved.error.code, resolved.error.message);
  const { api, settings } = resolved.value;
  if (api !== "openai-completions") {
    throw new GatewayError("invalid_request", `"${ref}": this provider has no embeddings`);
  }
  return (await import("./openai/embedder.ts")).createOpenAiEmbedder(settings);
}

function loadedOnFirstUse(id: string, load: () => Promise<Model>): Model {
  let loading: Promise<Model> | undefined;
  return {
    id,
    demo: false,
    async *stream(request, signal) {
      loading ??= load();
      let model: Model;
      try {
        model = await loading;
      } catch {
        // The port promises an event; the import is tried again next time.
        loading = undefined;
        const message = `The adapter of ${id} could not be loaded: is the installation complete?`;
        yield { type: "failed", code: "model_failed", message, retryAfterMs: undefined };
        return;
      }
      yield* model.stream(request, signal);
    },
  };
}
