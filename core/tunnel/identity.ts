import * as z from "zod";
import {
  createTunnelKey,
  importTunnelKey,
  PrivateJwk,
  type TunnelKey,
} from "../../shared/tunnel/handshake.ts";

/** Where small things with a name are kept; the store has it. */
export interface Shelf {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string): Promise<void>;
}

const KEY_NAME = "tunnel.key";
const Pin = z.object({ edgeKey: z.string() });

/** The core's own key, made on first use. Edges know its public half only. */
export async function loadIdentity(shelf: Shelf): Promise<TunnelKey> {
  const kept = await shelf.get(KEY_NAME);
  if (kept !== undefined) return importTunnelKey(PrivateJwk.parse(JSON.parse(kept)));
  const { key, jwk } = await createTunnelKey();
  await shelf.set(KEY_NAME, JSON.stringify(jwk));
  return key;
}

/** The key of the edge at `host`, once we have met it; it must never change after. */
export async function pinnedEdge(shelf: Shelf, host: string): Promise<string | undefined> {
  const kept = await shelf.get(`tunnel.edge.${host}`);
  return kept === undefined ? undefined : Pin.parse(JSON.parse(kept)).edgeKey;
}

/** Remembers the key of the edge at `host`. */
export async function pinEdge(shelf: Shelf, host: string, edgeKey: string): Promise<void> {
  await shelf.set(`tunnel.edge.${host}`, JSON.stringify({ edgeKey }));
}
