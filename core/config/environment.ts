import { parseEnv } from "node:util";
import * as z from "zod";
import type { Environment } from "./paths.ts";

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
    shellEnv: z.looseObject({ enabled: z.boolean().optional() }).optional(),
    vars: z.record(z.string(), z.string()).default({}),
  })
  .catchall(z.string());

/** Adds the config's own block: what it sets counts where nothing before did. Pure. */
export function addConfigBlock(
  environment: Environment,
  block: z.output<typeof EnvBlock>,
): Environment {
  const { shellEnv: _passedOver, vars, ...texts } = block;
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
