import { access, chmod, constants } from "node:fs/promises";
import { join } from "node:path";
import { type Result, err, ok } from "../../shared/result.ts";
import type { Secret } from "../../shared/secret.ts";
import {
  PRIVATE_DIR,
  type PairingFile,
  makePrivateDir,
  openPairing,
  openSealKey,
  unusableStateDir,
} from "../process/private-files.ts";

export interface StateDir {
  /** Durable Object storage of the local edge. */
  readonly edgeDir: string;
  readonly pairing: PairingFile;
  readonly sealKey: Secret;
}

/**
 * Makes sure the state directory is there and ours to write, with what the local edge keeps in it.
 *
 * @returns One line for the user when it cannot be used.
 */
export async function openStateDir(stateDir: string): Promise<Result<StateDir, string>> {
  const edgeDir = join(stateDir, "edge");
  const credentials = join(stateDir, "credentials");
  try {
    for (const dir of [stateDir, edgeDir, credentials]) {
      await makePrivateDir(dir);
      await access(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    }
    // An older umask may have made it readable for others. The state directory itself is the
    // user's: we do not tighten what they may have opened on purpose.
    await chmod(edgeDir, PRIVATE_DIR);
  } catch (error) {
    return err(unusableStateDir(stateDir, error));
  }
  const pairing = await openPairing(join(credentials, "edge-pairing"));
  if (!pairing.ok) return pairing;
  const sealKey = await openSealKey(join(credentials, "edge-seal"));
  return sealKey.ok ? ok({ edgeDir, pairing: pairing.value, sealKey: sealKey.value }) : sealKey;
}
