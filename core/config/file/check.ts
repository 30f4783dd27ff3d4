import { err, type Result } from "../../../shared/result.ts";
import { thisMachine } from "../bind.ts";
import type { ReadText } from "./compose.ts";
import type { ConfigError, Issue } from "../issues/error.ts";
import { gatewaySettingsOf } from "../gateway-settings.ts";
import { modelIssues } from "../model-issues.ts";
import { providersOf } from "../models.ts";
import { type Filled, finish, type Interpreted } from "./interpret.ts";
import { fillFrom, readSources, type Sources } from "./load.ts";
import { readOverrides } from "../environment/overrides.ts";
import type { Surroundings } from "../paths.ts";
import type { ResolvedSecrets } from "../secrets/resolve.ts";

/** Stands for a secret that is kept elsewhere: whether it is there is looked at when it is needed. */
const ASSUMED = "a-secret-that-is-kept-elsewhere";

/** Whether Tailscale runs is a matter of the machine, and of the moment. */
const SOME_TAILNET_ADDRESS = "100.64.0.1";

/** A config with its variables; `checked` tells whether a gateway would start with it. */
export interface Checked {
  readonly sources: Sources;
  readonly filled: Filled;
  readonly checked: Result<Interpreted, ConfigError>;
  /**
   * What else keeps a gateway from starting and may be set with the next change: whoever sets things
   * one by one names a model before its provider, or the other way round.
   */
  readonly unfit: readonly Issue[];
}

/**
 * What a gateway would make of the config, as far as that can be said without asking for the secrets
 * that are kept elsewhere. An error: not even its variables can be filled in.
 *
 * @param readText - Of the config and what it includes.
 */
export async function checkConfig(
  surroundings: Surroundings,
  readText: ReadText,
): Promise<Result<Checked, ConfigError>> {
  const sources = await readSources(surroundings, readText);
  if (!sources.ok) return sources;
  const file = sources.value.paths.configPath;
  const filled = await fillFrom(sources.value, file);
  if (!filled.ok) return filled;
  const read = finish(filled.value, file, assumed(filled.value));
  const fault = read.ok ? openDoor(read.value) : undefined;
  const checked: Checked["checked"] =
    fault === undefined ? read : err({ reason: "invalid", file, issues: [fault] });
  const unfit = checked.ok ? unusableModels(checked.value) : [];
  return { ok: true, value: { sources: sources.value, filled: filled.value, checked, unfit } };
}

function unusableModels({ config, environment }: Interpreted): readonly Issue[] {
  return modelIssues(config, providersOf(config, environment));
}

/** What would keep a gateway from starting although each setting is right by itself. */
function openDoor({ config, environment }: Interpreted): Issue | undefined {
  const overrides = readOverrides({}, environment);
  // A variable that is not understood is not the file's fault.
  if (!overrides.ok) return undefined;
  const machine = { ...thisMachine(environment), addresses: [SOME_TAILNET_ADDRESS] };
  const settings = gatewaySettingsOf(config, overrides.value, machine);
  return settings.ok ? undefined : settings.error;
}

function assumed({ references }: Filled): ResolvedSecrets {
  const values = new Map(references.map(({ path }) => [path.join("."), ASSUMED]));
  return { values, missing: new Map(), warnings: [] };
}
