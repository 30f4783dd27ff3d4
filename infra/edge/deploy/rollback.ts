import { readWrangler } from "../../cloudflare/settings.ts";
import { Failure } from "../../process/failure.ts";
import type { Io } from "../io.ts";
import type { RollbackOptions } from "../options.ts";
import { requireAccount } from "./account.ts";
import { checkHealth } from "./deploy.ts";
import { explainFailure, reasonOf } from "./explain.ts";
import { openDeployFolder, readRecord } from "./record.ts";
import { runWrangler } from "./wrangler.ts";

/** Wrangler's own cap. */
const MAX_MESSAGE_CHARS = 120;

/**
 * `sallyport edge rollback`: all traffic to an earlier version, at once. What the relays have stored
 * stays as it is.
 *
 * @returns The exit code.
 * @throws Failure
 */
export async function runRollback(options: RollbackOptions, io: Io): Promise<number> {
  const name = options.name ?? (await readWrangler()).name;
  requireAccount(io.env, io.place.home);
  const folder = await openDeployFolder(options.stateDir, name);
  const { url } = await readRecord(folder);
  const message = (options.message ?? "Rolled back").slice(0, MAX_MESSAGE_CHARS);
  const version = options.version === undefined ? [] : [options.version];
  const result = await runWrangler({
    args: ["rollback", ...version, "--name", name, "--message", message, "--yes"],
    cwd: folder.path,
    env: io.env,
    interactive: false,
    onLine: (line) => io.err(line),
    signal: io.stopping(),
  });
  if (result.code !== 0) {
    throw new Failure(explainFailure("the rollback", reasonOf(result)));
  }
  const asked = options.checkUrl ?? url;
  if (asked !== undefined) await checkHealth(asked, options, io);
  if (options.json) io.out(`${JSON.stringify({ event: "rolled_back", name, url: url ?? null })}\n`);
  else io.out(`\n${name} is rolled back${asked === undefined ? "" : " and answers"}.\n\n`);
  return 0;
}
