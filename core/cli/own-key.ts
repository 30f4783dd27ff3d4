/** Who this machine is to an edge, told without a gateway that runs. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "../../shared/errors.ts";
import type { Settings } from "../config/settings.ts";
import { Identity } from "../tunnel/identity/identity.ts";

export interface OwnKey {
  readonly kid: string;
  /** As `edge keys add` takes it. */
  readonly publicKey: string;
}

/**
 * The key with which the gateway of these settings dials, made if there is none yet.
 *
 * @throws GatewayError when it cannot be read, or an older version may have left one in a state
 *   that cannot be looked into.
 */
export async function ownKey({ stateDir, edge }: Settings): Promise<OwnKey> {
  const identity = (await Identity.peek(stateDir)) ?? (await firstKey(stateDir, edge?.url));
  const { kid, publicKey } = identity.key;
  return { kid, publicKey };
}

async function firstKey(stateDir: string, edge: string | undefined): Promise<Identity> {
  if (!(await exists(join(stateDir, "sallyport.sqlite")))) return Identity.make(stateDir);
  if (edge === undefined) {
    throw new GatewayError("invalid_request", "there is no edge yet: set SALLYPORT_EDGE_URL");
  }
  const { openSqliteStore } = await import("../store/sqlite/open.ts");
  // The gateway would take what it finds there: any other key would be the wrong one to tell.
  await using store = await openSqliteStore({ stateDir, now: Date.now });
  return await Identity.load(stateDir, new URL(edge), store);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
