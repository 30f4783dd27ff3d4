import type { Logger } from "pino";
import type { Settings } from "../../config/settings.ts";
import type { Store } from "../../store/store.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";
import type { TunnelSettings } from "../../tunnel/settings.ts";

/**
 * The tunnel to the edge of these settings; undefined when they name none.
 *
 * @param shelf - Where an earlier version may have left who we are.
 * @throws GatewayError when our identity cannot be read.
 */
export async function dialEdge(
  settings: Settings,
  version: string,
  shelf: Store | undefined,
  log: Logger,
): Promise<Tunnel | undefined> {
  const tunnel = tunnelSettings(settings, version, shelf);
  if (tunnel === undefined) return undefined;
  // Loaded by those who have an edge.
  const { startTunnel } = await import("../../tunnel/dial.ts");
  return await startTunnel(tunnel, log);
}

/** Whether both dial the same edge, in the same way. */
export function dialAlike(one: Settings, other: Settings): boolean {
  return facts(one) === facts(other);
}

function facts({ edge, mode }: Settings): string {
  if (edge === undefined) return "none";
  const { pairing, access, ...plain } = edge;
  const secrets = [pairing?.reveal(), access?.clientId, access?.clientSecret.reveal()];
  return JSON.stringify([mode, plain, plain.proxy?.toString(), secrets]);
}

function tunnelSettings(
  { edge, mode, stateDir }: Settings,
  version: string,
  shelf: Store | undefined,
): TunnelSettings | undefined {
  if (edge === undefined) return undefined;
  const { url, proxyVariables: environment, ...rest } = edge;
  return { ...rest, edge: new URL(url), environment, version, stateDir, shelf, mode };
}
