import type { Tunnel } from "../../tunnel/handlers.ts";

/**
 * Who this installation is: the key it dials an edge with, made if there is none yet.
 *
 * @returns 32 bytes in base64url.
 */
export async function publicKeyOf(stateDir: string, tunnel: Tunnel | undefined): Promise<string> {
  if (tunnel !== undefined) return tunnel.key.publicKey;
  const { Identity } = await import("../../tunnel/identity/identity.ts");
  const identity = (await Identity.peek(stateDir)) ?? (await Identity.make(stateDir));
  return identity.key.publicKey;
}
