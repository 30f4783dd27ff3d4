import { GatewayError } from "../../../shared/errors.ts";
import { Secret } from "../../../shared/secret.ts";
import { resolvePaths } from "../../config/paths.ts";
import type { Settings } from "../../config/settings.ts";
import { envNames } from "../../config/write/env-file.ts";
import { tryModel } from "../../gateway/methods/management.ts";
import { type Io, settingsOf } from "../command.ts";
import { changeOf } from "./change.ts";
import type { OnboardPlan } from "./flags.ts";
import { type ModelPlan, requireAddress } from "./model-flags.ts";
import { writeSetup, type Written } from "./write.ts";

/** A model that thinks before it says a word. */
const CHECK_TIMEOUT_MS = 30_000;

export interface KeyCheck {
  readonly status: string;
  readonly error: string | undefined;
}

export interface Onboarded {
  readonly written: Written;
  readonly check: KeyCheck;
}

/**
 * Sets up what the flags say.
 *
 * @throws GatewayError model_unauthorized when the provider refuses the key, or the variable it is
 *   to be in is not set; invalid_request for a provider without an address. Nothing is written then.
 */
export async function onboardByFlags(
  plan: OnboardPlan,
  io: Io,
  options: { readonly skipCheck: boolean },
): Promise<Onboarded> {
  const { model } = plan;
  const settings = await settingsOf(io);
  requireAddress(model, settings.providers);
  const check =
    model === undefined || options.skipCheck
      ? { status: "skipped", error: undefined }
      : await checked(model, settings, io);
  if (check.status === "auth") {
    throw new GatewayError(
      "model_unauthorized",
      `${model?.provider ?? ""} refuses that key, and nothing was written (--skip-health writes it all the same)`,
    );
  }
  const plain = plan.values["secret-input-mode"] === "plaintext";
  return { written: await writeSetup(changeOf(plan), io, plain), check };
}

async function checked(model: ModelPlan, settings: Settings, io: Io): Promise<KeyCheck> {
  const { provider: id, baseUrl, api } = model;
  const known = Object.hasOwn(settings.providers, id) ? settings.providers[id] : undefined;
  const own = { models: [], apiKey: undefined, ...known, baseUrl: baseUrl ?? known?.baseUrl };
  const fallback = id === "anthropic" ? "anthropic-messages" : "openai-completions";
  const providers = {
    ...settings.providers,
    [id]: { ...own, api: api ?? known?.api ?? fallback } as const,
  };
  const signal = AbortSignal.any([io.stop, AbortSignal.timeout(CHECK_TIMEOUT_MS)]);
  const key = await keyOf(model, io);
  if (key === undefined && model.variable !== undefined) {
    throw new GatewayError(
      "model_unauthorized",
      `${model.variable} is not set, and nothing was written (--skip-health writes it all the same)`,
    );
  }
  const { status, error } = await tryModel(model.ref, key, providers, signal, Date.now);
  return { status, error };
}

/** The one in the variable, which may be set in this process alone. */
async function keyOf({ key, variable }: ModelPlan, io: Io): Promise<Secret | undefined> {
  if (variable === undefined) return key;
  const own = io.env[variable] ?? "";
  const kept = await envNames(resolvePaths(io).envFiles.state);
  const value = own === "" ? (kept.get(variable) ?? "") : own;
  return value === "" ? undefined : new Secret(value);
}
