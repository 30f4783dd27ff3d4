import { thisMachine } from "../../config/bind.ts";
import { readOverrides } from "../../config/environment/overrides.ts";
import { loadConfig } from "../../config/file/load.ts";
import { gatewaySettingsOf } from "../../config/gateway-settings.ts";
import { type ConfigError, configErrorText } from "../../config/issues/error.ts";
import { resolvePaths } from "../../config/paths.ts";
import type { Settings } from "../../config/settings.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import { ConfigFault, type Io } from "../command.ts";

/** How a gateway of this machine would run. */
export interface GatewayView extends Pick<Settings, "stateDir" | "configPath" | "limits"> {
  readonly configExists: boolean;
  /** Why the config is refused; the rest is then as it was when it was last taken. */
  readonly fault: string | undefined;
  readonly bind: string;
  readonly host: string;
  readonly port: number;
  /** `logging.file`. */
  readonly logFile: string | undefined;
}

/**
 * Looks, and makes nothing: neither a folder nor a credential.
 *
 * @throws ConfigFault for what the flags and variables say.
 */
export async function gatewayView(io: Io, port: string | undefined): Promise<GatewayView> {
  const read = await viewIn(io, port);
  if (read.ok) return read.value;
  const { configPath } = resolvePaths(io);
  // Where there is none, all is as by default.
  const env = { ...io.env, OPENCLAW_CONFIG_PATH: `${configPath}.last-good` };
  const earlier = await viewIn({ ...io, env }, port);
  if (!earlier.ok) throw new ConfigFault(read.error);
  const fault = configErrorText(read.error);
  return { ...earlier.value, configPath, configExists: true, fault };
}

async function viewIn(io: Io, port: string | undefined): Promise<Result<GatewayView, ConfigError>> {
  const { env, cwd, home } = io;
  const loaded = await loadConfig({ env, cwd, home });
  if (!loaded.ok) return loaded;
  const { config, environment, paths, exists } = loaded.value;
  const overrides = readOverrides({ port }, environment);
  if (!overrides.ok) return overrides;
  const gateway = gatewaySettingsOf(config, overrides.value, thisMachine(environment));
  if (!gateway.ok) {
    return err({ reason: "invalid", file: paths.configPath, issues: [gateway.error] });
  }
  return ok({
    stateDir: paths.stateDir,
    configPath: paths.configPath,
    configExists: exists,
    limits: config.sallyport.limits,
    fault: undefined,
    bind: config.gateway.bind,
    host: gateway.value.host,
    port: gateway.value.port,
    logFile: config.logging.file,
  });
}
