import { createHash } from "node:crypto";
import { err, ok, type Result } from "../../../shared/result.ts";
import { compose, type Composed, type ReadText } from "./compose.ts";
import { type MergedEnvironment, mergeEnvironment } from "../environment/environment.ts";
import type { ConfigError } from "../issues/error.ts";
import { readSmallFile } from "./files.ts";
import {
  type Adjust,
  type Draft,
  draftOf,
  fill,
  type Filled,
  finish,
  type Interpreted,
} from "./interpret.ts";
import { type Environment, type Paths, resolvePaths, type Surroundings } from "../paths.ts";
import { type ResolvedSecrets, resolveSecrets, SecretMemory } from "../secrets/resolve.ts";

/** Variables that are taken from a login shell without the config naming them. */
const SHELL_NAMES = [
  "ANTHROPIC_API_KEY",
  "OPENAI_API_KEY",
  "TELEGRAM_BOT_TOKEN",
  "OPENCLAW_GATEWAY_TOKEN",
  "OPENCLAW_GATEWAY_PASSWORD",
] as const;

export interface LoadedConfig extends Interpreted {
  readonly paths: Paths;
  /** False: there is no config file, and everything is as by default. */
  readonly exists: boolean;
  /** The config, and the files it includes. */
  readonly files: readonly string[];
  /** Of all that stands in those files; another one means that something was written. */
  readonly hash: string;
}

export interface LoadOptions {
  /** Of this process; undefined where there are no user ids. */
  readonly uid?: number | undefined;
  /** Secrets of earlier loads. Default: there were none. */
  readonly memory?: SecretMemory | undefined;
  /** What of the config counts. Default: all of it. */
  readonly adjust?: Adjust | undefined;
}

/** Reads the config and the variable files. Changes nothing. A missing file means all defaults. */
export async function loadConfig(
  surroundings: Surroundings,
  options: LoadOptions = {},
): Promise<Result<LoadedConfig, ConfigError>> {
  const read = await readSources(surroundings, readSmallFile);
  if (!read.ok) return read;
  const { paths, composed, text } = read.value;
  const filled = await fillFrom(read.value, paths.configPath);
  if (!filled.ok) return filled;
  const secrets = await secretsFor(filled.value, paths, options);
  const interpreted = finish(filled.value, paths.configPath, secrets, options.adjust);
  if (!interpreted.ok) return err(interpreted.error);
  return ok({
    ...interpreted.value,
    warnings: [...read.value.warnings, ...interpreted.value.warnings],
    paths,
    exists: text !== undefined,
    files: [paths.configPath, ...composed.included.keys()],
    hash: hashOf(text, composed),
  });
}

/** Files and variables, before anybody has made sense of them. */
export interface Sources {
  readonly paths: Paths;
  /** Undefined: there is no config file. */
  readonly text: string | undefined;
  readonly composed: Composed;
  readonly variables: MergedEnvironment;
  /** What the process itself was given. */
  readonly process: Environment;
  readonly warnings: readonly string[];
}

/** @param readText - Of the config and what it includes. */
export async function readSources(
  surroundings: Surroundings,
  readText: ReadText,
): Promise<Result<Sources, ConfigError>> {
  const paths = resolvePaths(surroundings);
  const [text, stateFile, cwdFile] = await Promise.all([
    readText(paths.configPath),
    readSmallFile(paths.envFiles.state),
    readSmallFile(paths.envFiles.cwd),
  ]);
  if (!text.ok) return text;
  if (!stateFile.ok) return stateFile;
  const roots = surroundings.env["OPENCLAW_INCLUDE_ROOTS"];
  const composed = await compose(text.value ?? "{}", paths.configPath, { read: readText, roots });
  if (!composed.ok) return composed;
  const variables = mergeEnvironment({
    process: surroundings.env,
    // The folder we were started in is not ours: what is wrong with its file stops nobody.
    cwdFile: cwdFile.ok ? cwdFile.value : undefined,
    stateFile: stateFile.value,
  });
  const named = surroundings.env["OPENCLAW_CONFIG_PATH"] ?? "";
  const warnings = [
    // One that was chosen and is not there is the wrong one more often than one to come.
    ...(text.value === undefined && named !== ""
      ? [
          `OPENCLAW_CONFIG_PATH names ${paths.configPath}, which is not there: no other config is read`,
        ]
      : []),
    ...(cwdFile.ok ? [] : [`${paths.envFiles.cwd} cannot be read and is passed over`]),
    ...variables.ignored.map(
      (name) =>
        `${name} is not taken from ${paths.envFiles.cwd}: set it in the environment or in ${paths.envFiles.state}`,
    ),
  ];
  return ok({
    paths,
    text: text.value,
    composed: composed.value,
    variables,
    process: surroundings.env,
    warnings,
  });
}

/** The config with its variables, those of the login shell among them when it says so. */
export async function fillFrom(
  { composed, variables, paths, process }: Sources,
  file: string,
): Promise<Result<Filled, ConfigError>> {
  const draft = draftOf(composed.value, file, variables.environment);
  if (!draft.ok) return draft;
  const shell = await importShell(draft.value, paths, process);
  const filled = fill(draft.value, file, { ...shell.environment, ...draft.value.environment });
  if (!filled.ok) return filled;
  return ok({ ...filled.value, warnings: [...shell.warnings, ...filled.value.warnings] });
}

async function importShell(
  { environment, shellEnv, unset }: Draft,
  { home }: Paths,
  process: Environment,
): Promise<{ readonly environment: Environment; readonly warnings: readonly string[] }> {
  const said = environment["OPENCLAW_LOAD_SHELL_ENV"]?.toLowerCase();
  const isWanted = shellEnv.enabled || said === "1" || said === "true";
  const names = [...new Set([...unset, ...SHELL_NAMES])].filter(
    (name) => (environment[name] ?? "") === "",
  );
  if (!isWanted || names.length === 0) return { environment: {}, warnings: [] };
  const { timeoutMs } = shellEnv;
  const { shellVariables } = await import("../environment/shell.ts");
  const found = await shellVariables({ environment: process, home, names, timeoutMs });
  if (found.ok) return { environment: found.value, warnings: [] };
  return { environment: {}, warnings: [`no variables are taken from the shell: ${found.error}`] };
}

function secretsFor(
  { references, secrets, environment }: Filled,
  { home, stateDir }: Paths,
  { uid, memory = new SecretMemory() }: LoadOptions,
): Promise<ResolvedSecrets> {
  return resolveSecrets(references, { secrets, environment, stateDir, memory, uid, home });
}

/** Of the text of the config and all that it includes. */
export function hashOf(text: string | undefined, { included }: Composed): string {
  const hash = createHash("sha256").update(text ?? "");
  for (const [file, content] of included) hash.update(`\0${file}\0${content}`);
  return hash.digest("hex");
}
