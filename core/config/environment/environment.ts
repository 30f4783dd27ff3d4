import { parseEnv } from "node:util";
import * as z from "zod";
import type { Environment } from "../paths.ts";

/** Source: `env.shellEnv.timeoutMs` of OpenClaw. */
const SHELL_TIMEOUT_MS = 15_000;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Names that a `.env` in the working folder may not set. Keys may come from there, but a folder
 * somebody happens to stand in must decide neither where keys are sent nor who may come in.
 * Source: OpenClaw 2026.9 ignores the same names there.
 */
const NOT_FROM_CWD = /^(?:OPENCLAW_|SALLYPORT_)|_(?:BASE_URL|ENDPOINT|API_HOST|PROXY)$|_proxy$/;

/** The texts of the files there are; undefined for one that is not there. */
export interface EnvironmentSources {
  readonly process: Environment;
  readonly cwdFile: string | undefined;
  readonly stateFile: string | undefined;
}

export interface MergedEnvironment {
  readonly environment: Environment;
  /** Names in the working folder's file that were not taken. */
  readonly ignored: readonly string[];
}

/** Process environment, then `./.env`, then `<state>/.env`: the first that sets a name wins. Pure. */
export function mergeEnvironment(sources: EnvironmentSources): MergedEnvironment {
  const fromCwd = Object.entries(parseFile(sources.cwdFile));
  const ignored = fromCwd.map(([name]) => name).filter((name) => NOT_FROM_CWD.test(name));
  return {
    environment: {
      ...parseFile(sources.stateFile),
      ...Object.fromEntries(fromCwd.filter(([name]) => !NOT_FROM_CWD.test(name))),
      ...onlySet(sources.process),
    },
    ignored: ignored.filter((name) => (sources.process[name] ?? "") === ""),
  };
}

/** The `env` block of a config: `vars`, and texts written straight into it. */
export const EnvBlock = z
  .object({
    /** Variables that are set nowhere else are taken from the user's login shell. */
    shellEnv: z
      .strictObject({
        enabled: z.boolean().default(false),
        timeoutMs: z.int().min(1).max(120_000).default(SHELL_TIMEOUT_MS),
      })
      .prefault({}),
    vars: z.record(z.string(), z.string()).default({}),
  })
  .catchall(z.string());
export type EnvBlock = z.output<typeof EnvBlock>;

/** Adds the config's own block: what it sets counts where nothing before did. Pure. */
export function addConfigBlock(environment: Environment, block: EnvBlock): Environment {
  const { shellEnv: _ofTheShell, vars, ...texts } = block;
  return { ...onlySet(texts), ...onlySet(vars), ...environment };
}

function parseFile(text: string | undefined): Environment {
  return text === undefined ? {} : onlySet(parseEnv(text));
}

function onlySet(environment: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => NAME.test(name) && (value ?? "") !== ""),
  );
}
