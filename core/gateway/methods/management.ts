import type { AgentDirectory } from "../../agents/directory.ts";
import { ToolInvoker } from "../../agents/tools/invoke.ts";
import { CHANNELS, probeChannel } from "../../channels/registry.ts";
import type { ChannelControl } from "../../channels/state.ts";
import type { Settings } from "../../config/settings.ts";
import { managementMethods } from "../../methods/agents/lazy.ts";
import type { ConfigFile } from "../../methods/agents/parts.ts";
import type { NamedMethod } from "../../methods/method.ts";
import { askOnce, type ModelProbe } from "../../models/ask-once.ts";
import { split } from "../../models/catalog.ts";
import { createConfiguredModel } from "../../models/registry.ts";
import type { Secret } from "../../../shared/secret.ts";
import { GatewayError } from "../../../shared/errors.ts";
import type { UsageStore } from "../../store/usage.ts";
import { awaitSettings, configFileOf } from "../lifecycle/config-file.ts";
import type { Prepared } from "../lifecycle/prepared.ts";
import type { ManagementParts } from "../../methods/agents/management-parts.ts";

export interface ManagementSources {
  readonly settings: () => Settings;
  readonly directory: AgentDirectory;
  readonly control: ChannelControl;
  readonly configFile: ConfigFile;
  readonly usage: Pick<UsageStore, "report" | "oldestAt">;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

/** What the methods about agents, models, tools, skills and channels work with. */
export function managementParts(sources: ManagementSources): ManagementParts {
  const { settings, directory, configFile, now } = sources;
  const policy = (): Settings["config"]["gateway"]["tools"] => settings().config.gateway.tools;
  return {
    ...sources,
    invoker: new ToolInvoker({ directory, policy, now }),
    known: CHANNELS,
    probe(_channel, signal) {
      const { telegram } = settings();
      return telegram === undefined ? undefined : probeChannel(telegram, signal, now);
    },
    setup: {
      tryModel: (ref, key, signal) => tryModel(ref, key, settings().providers, signal, now),
      tryTelegram: (botToken, signal) => probeChannel({ botToken }, signal, now),
      write: (change) => configFile.patch(change),
    },
  };
}

/** Of a gateway that follows its config file. */
export function managementOf(
  prepared: Prepared,
  control: ChannelControl,
  usage: ManagementSources["usage"],
  now: () => number,
): readonly NamedMethod[] {
  const { settings, directory, onChange } = prepared;
  const configFile = configFileOf(settings, (hash) => awaitSettings(hash, settings, onChange));
  return managementMethods(
    managementParts({ settings, directory, control, configFile, usage, now }),
  );
}

/** Asks a model with a key that is not written anywhere yet. Never rejects for what it answers. */
export async function tryModel(
  ref: string,
  key: Secret | undefined,
  providers: Settings["providers"],
  signal: AbortSignal,
  now: () => number,
): Promise<ModelProbe> {
  const [id] = split(ref);
  const known = Object.hasOwn(providers, id) ? providers[id] : undefined;
  const provider = known ?? {
    api: "openai-completions" as const,
    apiKey: undefined,
    baseUrl: undefined,
    models: [],
  };
  const tried = { ...providers, [id]: { ...provider, apiKey: key ?? provider.apiKey } };
  try {
    return await askOnce(await createConfiguredModel(ref, tried), signal, now);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { status: "no_model", latencyMs: 0, error: error.message };
  }
}
