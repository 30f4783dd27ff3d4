/** The config as a service will see it, which has neither this shell nor this folder. */
import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { GatewayError } from "../../../../shared/errors.ts";
import { readOverrides } from "../../../config/environment/overrides.ts";
import { loadConfig } from "../../../config/file/load.ts";
import type { Environment } from "../../../config/paths.ts";
import { ConfigFault, type Io } from "../../command.ts";
import { environmentFor } from "./machine.ts";

export interface ServiceView {
  readonly port: number;
  readonly drainMs: number;
  readonly mode: "local" | "remote" | undefined;
  readonly configPath: string;
  /** Set in this shell, wanted by the gateway, and not to be had for the service. */
  readonly shellOnly: readonly string[];
}

/** What a service is told of where things are. */
export interface ServiceSources {
  readonly variables: Environment;
  readonly envFile: string;
  /** `--port` of its command line. */
  readonly port: string | undefined;
}

/** Read by the gateway where the config leaves them out. */
const WANTED = [
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_BASE_URL",
  "OPENAI_API_KEY",
  "OPENAI_BASE_URL",
  "OPENCLAW_GATEWAY_PASSWORD",
  "OPENCLAW_GATEWAY_TOKEN",
  "OPENCLAW_HOOKS_TOKEN",
  "SALLYPORT_EDGE_PAIRING",
  "SALLYPORT_EDGE_URL",
  "TELEGRAM_BOT_TOKEN",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "NO_PROXY",
  "https_proxy",
  "http_proxy",
  "no_proxy",
] as const;

/**
 * Changes nothing: no token is made, no folder.
 *
 * @throws ConfigFault
 */
export async function viewOf(sources: ServiceSources, io: Io): Promise<ServiceView> {
  const { env, cwd, home } = io;
  const own = { ...(await variablesIn(sources.envFile)), ...sources.variables };
  const loaded = await loadConfig({ env: environmentFor(env, own), cwd: "/", home });
  if (!loaded.ok) throw new ConfigFault(loaded.error);
  const { config, environment, unsetVariables, paths } = loaded.value;
  const overrides = readOverrides({ port: sources.port }, environment);
  if (!overrides.ok) throw new ConfigFault(overrides.error);
  // As it is for a gateway that is started here and now.
  const here = await loadConfig({ env: { ...env, ...sources.variables }, cwd, home });
  const known = here.ok ? here.value.environment : env;
  const names = new Set([...WANTED, ...unsetVariables.values()]);
  return {
    port: overrides.value.port ?? config.gateway.port,
    drainMs: config.sallyport.limits.drainTimeoutMs,
    mode: config.gateway.mode,
    configPath: paths.configPath,
    shellOnly: [...names].filter((name) => isSet(known, name) && !isSet(environment, name)),
  };
}

function isSet(from: Environment, name: string): boolean {
  return (from[name] ?? "") !== "";
}

async function variablesIn(file: string): Promise<Environment> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return "";
    throw new GatewayError("forbidden", `${file} cannot be read`, { cause: error });
  });
  return parseEnv(text);
}
