import { dirname } from "node:path";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { ConfigError } from "../../config/issues/error.ts";
import { readSmallFile } from "../../config/file/files.ts";
import { loadConfig, readSources } from "../../config/file/load.ts";
import { modelIssues } from "../../config/model-issues.ts";
import { readOverrides } from "../../config/environment/overrides.ts";
import { type Paths, resolvePaths } from "../../config/paths.ts";
import { type LoadRequest, loadSettings } from "../../config/resolve.ts";
import type { Settings } from "../../config/settings.ts";
import { type ConfigFacts, judgeConfig, judgeReferences } from "../verdicts/config.ts";
import type { Examination } from "./examination.ts";
import { failed } from "../verdicts/finding.ts";
import { freeSpace, lookAtFolder, lookAtPrivate, lookForHolder } from "../probes/disk.ts";
import { inGit } from "../probes/git.ts";
import { reasonOf } from "../probes/reason.ts";
import { foreignState, lookForBackups, lookForDrafts, lookForLogs } from "../probes/state.ts";
import { judgeBackups, judgeDrafts, judgeForeign, judgeLogs } from "../verdicts/kept-files.ts";
import { type Report, timed } from "../report.ts";
import { judgeSecrets, plainSecrets } from "../verdicts/secrets.ts";
import { judgeFolder, judgeLock, judgeModes, judgeSpace } from "../verdicts/state-folder.ts";

const STATE = [
  "state.modes",
  "state.space",
  "state.lock",
  "state.drafts",
  "state.foreign",
  "state.logs",
] as const;
const CONFIG = ["config.file", "config.variables", "config.secrets", "config.backups"] as const;

/**
 * Config and state of this machine.
 *
 * @returns The settings a gateway here would run with; undefined when there are none to be had.
 */
export async function examineMachine(
  { surroundings, url, urlFrom = "--url" }: Examination,
  report: Report,
): Promise<Settings | undefined> {
  if (url !== undefined && urlFrom === "--url") {
    const because = "--url names a gateway elsewhere";
    report.skip([...CONFIG, "state.folder", ...STATE], because);
    return undefined;
  }
  const paths = resolvePaths(surroundings);
  const { configPath, stateDir } = paths;
  const folder = await lookAtFolder(stateDir);
  const verdict = judgeFolder(stateDir, folder, surroundings.uid);
  const isUsable = verdict.status !== "failed";
  const loading = await timed(() => load(surroundings, isUsable));
  const loaded = loading.value;
  report.add("config.file", judgeConfig(loaded), loading.ms);
  if (loaded.ok) report.add("config.variables", judgeReferences(loaded.value));
  else report.skip(["config.variables"], "config.file failed");
  await examineSecrets(surroundings, report);
  report.add("config.backups", judgeBackups(await lookForBackups(configPath)));
  report.add("state.folder", verdict);
  if (isUsable) await examineState(paths, loaded, report);
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
  const { warnings: told, config, providers } = settings.value;
  const unfit = modelIssues(config, providers);
  return ok({ ...facts, warnings: told, unfit, settings: settings.value });
}

/** What stands in the config and in files of variables, and who else may read it. */
async function examineSecrets(surroundings: LoadRequest, report: Report): Promise<void> {
  const read = await readSources(surroundings, readSmallFile);
  if (!read.ok) {
    report.skip(["config.secrets"], "the config cannot be read");
    return;
  }
  const { composed, paths } = read.value;
  const files = [paths.configPath, paths.envFiles.state, paths.envFiles.cwd];
  report.add("config.secrets", judgeSecrets(plainSecrets(composed.value), await inGit(files)));
}

async function examineState(
  { stateDir, configPath, home }: Paths,
  loaded: Result<Loaded, ConfigError>,
  report: Report,
): Promise<void> {
  report.add("state.modes", judgeModes(await lookAtPrivate(stateDir, configPath)));
  try {
    report.add("state.space", judgeSpace(await freeSpace(stateDir)));
  } catch (error) {
    const detail = `the disk does not say how much is free (${reasonOf(error)})`;
    report.add("state.space", failed(detail, `look at what ${dirname(stateDir)} is mounted from`));
  }
  report.add("state.lock", judgeLock(await lookForHolder(stateDir)));
  report.add("state.drafts", judgeDrafts(await lookForDrafts(stateDir, Date.now())));
  report.add("state.foreign", judgeForeign(await foreignState(stateDir)));
  const settings = loaded.ok ? loaded.value.settings : undefined;
  if (settings === undefined) report.skip(["state.logs"], "the settings are not known");
  else report.add("state.logs", judgeLogs(await lookForLogs(settings, home)));
}
