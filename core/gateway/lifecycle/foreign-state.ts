import { glob, stat } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "../../../shared/errors.ts";

/** Databases of OpenClaw in a state folder, and what it writes beside them while it runs. */
const FOREIGN = ["state/openclaw.sqlite{,-wal}", "agents/*/agent/openclaw-agent.sqlite{,-wal}"];
/** Ours, and what we write beside it. */
const OWN = ["sallyport.sqlite", "sallyport.sqlite-wal"];

/**
 * Refuses a state folder in which OpenClaw has worked since we did: its sessions and pairings would
 * seem to be lost, and what both write would come apart.
 *
 * @throws GatewayError forbidden that says what to do.
 */
export async function refuseForeignState(stateDir: string): Promise<void> {
  let newest: { readonly file: string; readonly at: number } | undefined;
  for await (const file of glob(FOREIGN, { cwd: stateDir })) {
    const at = await changedAt(join(stateDir, file));
    if (at > (newest?.at ?? 0)) newest = { file, at };
  }
  if (newest === undefined) return;
  const own = await Promise.all(OWN.map((name) => changedAt(join(stateDir, name))));
  if (Math.max(...own) >= newest.at) return;
  throw new GatewayError(
    "forbidden",
    `${stateDir} holds the state of OpenClaw (${newest.file}), which is newer than ours: take it over with sallyport migrate --from openclaw, or set OPENCLAW_STATE_DIR to another folder`,
  );
}

/** Unix ms; 0: it is not there. */
async function changedAt(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
