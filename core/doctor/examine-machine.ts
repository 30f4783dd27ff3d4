import { dirname } from "node:path";
import { err, ok, type Result } from "../../shared/result.ts";
import type { ConfigError } from "../config/error.ts";
import { loadConfig } from "../config/load.ts";
import { readOverrides } from "../config/overrides.ts";
import { resolvePaths } from "../config/paths.ts";
import { type LoadRequest, loadSettings } from "../config/resolve.ts";
import type { Settings } from "../config/settings.ts";
import { type ConfigFacts, judgeConfig, judgeReferences } from "./config.ts";
import type { Examination } from "./examination.ts";
import { failed } from "./finding.ts";
import { freeSpace, lookAtFolder, lookAtPrivate, lookForHolder } from "./probes/disk.ts";
import { reasonOf } from "./probes/reason.ts";
import { type Report, timed } from "./report.ts";
import { judgeFolder, judgeLock, judgeModes, judgeSpace } from "./state-folder.ts";

const STATE = ["state.modes", "state.space", "state.lock"] as const;

/**
 * Config and state of this machine.
 *
 * @returns The settings a gateway here runs with; undefined when there are none to be had.
 */
export async function examineMachine(
  { surroundings, url }: Examination,
  report: Report,
): Promise<Settings | undefined> {
  if (url !== undefined) {
    const because = "--url names a gateway elsewhere";
    report.skip(["config.file", "config.variables", "state.folder", ...STATE], because);
    return undefined;
  }
  const { configPath, stateDir } = resolvePaths(surroundings);
  const folder = await lookAtFolder(stateDir);
  const verdict = judgeFolder(stateDir, folder, surroundings.uid);
  const isUsable = verdict.status !== "failed";
  const loading = await timed(() => load(surroundings, isUsable));
  const loaded = loading.value;
  report.add("config.file", judgeConfig(loaded), loading.ms);
  if (loaded.ok) report.add("config.variables", judgeReferences(loaded.value));
  else report.skip(["config.variables"], "config.file failed");
  report.add("state.folder", verdict);
  if (isUsable) await examineState(stateDir, configPath, report);
  else report.skip(STATE, "state.folder failed");
  return loaded.ok ? loaded.value.settings : undefined;
}

interface Loaded extends ConfigFacts {
  readonly settings: Settings | undefined;
}

/** Without a state folder the config is looked at all the same, and the folder is not made. */
async function load(request: LoadRequest, hasState: boolean): Promise<Result<Loaded, ConfigError>> {
  const loaded = await loadConfig(request);
  if (!loaded.ok) return loaded;
  const { environment, exists, paths, warnings, unsetVariables, missingSecrets } = loaded.value;
  const overrides = readOverrides(request.flags, environment);
  if (!overrides.ok) return err(overrides.error);
  const facts = { path: paths.configPath, exists, unsetVariables, missingSecrets };
  if (!hasState) return ok({ ...facts, warnings, settings: undefined });
  const settings = await loadSettings(request);
  if (!settings.ok) return settings;
  return ok({ ...facts, warnings: settings.value.warnings, settings: settings.value });
}

async function examineState(stateDir: string, configPath: string, report: Report): Promise<void> {
  report.add("state.modes", judgeModes(await lookAtPrivate(stateDir, configPath)));
  try {
    report.add("state.space", judgeSpace(await freeSpace(stateDir)));
  } catch (error) {
    const detail = `the disk does not say how much is free (${reasonOf(error)})`;
    report.add("state.space", failed(detail, `look at what ${dirname(stateDir)} is mounted from`));
  }
  report.add("state.lock", judgeLock(await lookForHolder(stateDir)));
}
