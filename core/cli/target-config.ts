/** Gateways that the config of this machine knows of. */
import type { Settings } from "../config/settings.ts";
import { type Io, ConfigFault } from "./command.ts";
import type { Credentials } from "./credentials.ts";
import { gatewayUrl } from "./target-url.ts";

interface Known extends Credentials {
  readonly url: string;
}

/**
 * The gateway that this machine is a client of: `gateway.mode` is `remote`.
 *
 * @throws ConfigFault, GatewayError invalid_request
 */
export async function remoteTarget(io: Io): Promise<Known | undefined> {
  const { loadConfig } = await import("../config/file/load.ts");
  const { env, cwd, home } = io;
  const loaded = await loadConfig({ env, cwd, home });
  if (!loaded.ok) throw new ConfigFault(loaded.error);
  const { mode, remote } = loaded.value.config.gateway;
  if (mode !== "remote" || remote?.url === undefined) return undefined;
  const { url, token, password } = remote;
  return { url: gatewayUrl(url, "gateway.remote.url"), token, password };
}

/** The gateway that runs here, or would. */
export function localTarget({ gateway }: Settings, port = gateway.port): Known {
  return { url: `http://127.0.0.1:${port}`, token: gateway.token.secret };
}
