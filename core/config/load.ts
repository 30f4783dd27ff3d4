import { err, ok, type Result } from "../../shared/result.ts";
import { mergeEnvironment } from "./environment.ts";
import type { ConfigError } from "./error.ts";
import { readSmallFile } from "./files.ts";
import { type Interpreted, interpret } from "./interpret.ts";
import { type Paths, resolvePaths, type Surroundings } from "./paths.ts";

export interface LoadedConfig extends Interpreted {
  readonly paths: Paths;
  /** False: there is no config file, and everything is as by default. */
  readonly exists: boolean;
}

/** Reads the config and the variable files. Changes nothing. A missing file means all defaults. */
export async function loadConfig(
  surroundings: Surroundings,
): Promise<Result<LoadedConfig, ConfigError>> {
  const paths = resolvePaths(surroundings);
  const [text, stateFile, cwdFile] = await Promise.all([
    readSmallFile(paths.configPath),
    readSmallFile(paths.envFiles.state),
    readSmallFile(paths.envFiles.cwd),
  ]);
  if (!text.ok) return text;
  if (!stateFile.ok) return stateFile;
  const { environment, ignored } = mergeEnvironment({
    process: surroundings.env,
    // The folder we were started in is not ours: what is wrong with its file stops nobody.
    cwdFile: cwdFile.ok ? cwdFile.value : undefined,
    stateFile: stateFile.value,
  });
  const interpreted = interpret(text.value ?? "{}", paths.configPath, environment);
  if (!interpreted.ok) return err(interpreted.error);
  const warnings = [
    ...(cwdFile.ok ? [] : [`${paths.envFiles.cwd} cannot be read and is passed over`]),
    ...ignored.map(
      (name) =>
        `${name} is not taken from ${paths.envFiles.cwd}: set it in the environment or in ${paths.envFiles.state}`,
    ),
    ...interpreted.value.warnings,
  ];
  return ok({ ...interpreted.value, warnings, paths, exists: text.value !== undefined });
}
