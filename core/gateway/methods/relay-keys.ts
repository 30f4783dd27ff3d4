/** The keys that may dial in, which each relay keeps for itself. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { RelayAnswer, Tunnel } from "../../tunnel/handlers.ts";

const Keys = z.object({
  keys: z.array(z.object({ kid: z.string(), publicKey: z.string(), addedAt: z.number() })),
});
const Problem = z.object({ detail: z.string().max(300) });

/** A key that the edge knows. */
export interface RelayKey {
  readonly kid: string;
  readonly publicKey: string;
  /** Unix ms, on the first relay that has it. */
  readonly addedAt: number;
  /** This core dials with it. */
  readonly self: boolean;
  /** Names of the relays that know it. */
  readonly relays: readonly string[];
}

type KeyTunnel = Pick<Tunnel, "relays" | "request" | "key">;

/** Every key that any relay knows, and the relays that could not be asked. */
export async function listKeys(
  tunnel: KeyTunnel,
): Promise<{ readonly keys: readonly RelayKey[]; readonly unreachable: readonly string[] }> {
  const keys = new Map<string, RelayKey>();
  const unreachable: string[] = [];
  for (const { name, connected } of tunnel.relays) {
    const known = connected ? await keysOf(tunnel, name) : undefined;
    if (known === undefined) unreachable.push(name);
    for (const { kid, publicKey, addedAt } of known ?? []) {
      const relays = [...(keys.get(kid)?.relays ?? []), name];
      const first = keys.get(kid)?.addedAt ?? addedAt;
      keys.set(kid, { kid, publicKey, addedAt: first, self: kid === tunnel.key.kid, relays });
    }
  }
  return { keys: [...keys.values()], unreachable };
}

/**
 * Lets a further key in, on every relay.
 *
 * @throws GatewayError core_lost, conflict when a relay has two already.
 */
export async function addKey(tunnel: KeyTunnel, publicKey: string): Promise<object> {
  checkAllConnected(tunnel);
  for (const { name } of tunnel.relays) {
    const answer = await tunnel.request(name, "PUT", "/keys", { publicKey });
    if (answer.status !== 204) throw refusal(name, answer);
  }
  return { publicKey, relays: tunnel.relays.map(({ name }) => name) };
}

/**
 * Shuts a key out, on every relay; connections of it end at once.
 *
 * @throws GatewayError conflict for the key that this core dials with, and for the last one;
 *   not_found when no relay knows it.
 */
export async function revokeKey(tunnel: KeyTunnel, kid: string): Promise<object> {
  if (kid === tunnel.key.kid) {
    throw new GatewayError("conflict", "This core dials with that key: rotate it instead");
  }
  checkAllConnected(tunnel);
  const relays: string[] = [];
  for (const { name } of tunnel.relays) {
    const answer = await tunnel.request(name, "DELETE", `/keys/${encodeURIComponent(kid)}`);
    if (answer.status === 204) relays.push(name);
    else if (answer.status !== 404) throw refusal(name, answer);
  }
  if (relays.length === 0) throw new GatewayError("not_found", "No relay knows that key");
  return { kid, relays };
}

async function keysOf(tunnel: KeyTunnel, relay: string) {
  try {
    const { body } = await tunnel.request(relay, "GET", "/keys");
    const parsed = Keys.safeParse(body);
    return parsed.success ? parsed.data.keys : undefined;
  } catch (error) {
    if (error instanceof GatewayError) return undefined; // lost while we asked
    throw error;
  }
}

/** Half of the relays with other keys than the rest is worse than a later try. */
function checkAllConnected({ relays }: KeyTunnel): void {
  const away = relays.find(({ connected }) => !connected);
  if (away === undefined) return;
  throw new GatewayError("core_lost", `Relay ${away.name} is not connected: try again later`);
}

function refusal(relay: string, { status, body }: RelayAnswer): GatewayError {
  const { data } = Problem.safeParse(body);
  const why = data === undefined ? "" : `: ${data.detail}`;
  return new GatewayError(
    status === 409 ? "conflict" : "bad_response",
    `Relay ${relay} refused (${status})${why}`,
  );
}
