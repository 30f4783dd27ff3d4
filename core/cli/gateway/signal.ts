/** The gateway of this machine's state folder, as a process. */
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GatewayError } from "../../../shared/errors.ts";
import type { Settings } from "../../config/settings.ts";
import { isAlive } from "../../gateway/lifecycle/process-alive.ts";

const LOOK_EVERY_MS = 50;
/** Beside what a gateway takes to finish what it has: it may have been about to begin anew. */
const MARGIN_MS = 15_000;

/** Undefined: none runs here. */
export async function runningPid(stateDir: string): Promise<number | undefined> {
  const text = await readFile(join(stateDir, "gateway.pid"), "utf8").catch(() => "");
  const { pid, host } = /^(?<pid>\d+) on (?<host>\S+)$/.exec(text.trim())?.groups ?? {};
  if (pid === undefined || host !== hostname()) return undefined;
  return isAlive(Number(pid)) ? Number(pid) : undefined;
}

/**
 * Asks a process to end, and waits until it has.
 *
 * @param drainMs - How long it is given for what is under way.
 * @throws GatewayError core_timeout when it goes on; forbidden when it is not ours.
 */
export async function endProcess(pid: number, drainMs: number): Promise<void> {
  try {
    process.kill(pid, "SIGTERM");
  } catch (cause) {
    throw new GatewayError("forbidden", `process ${pid} is not ours to end`, { cause });
  }
  const until = performance.now() + drainMs + MARGIN_MS;
  while (isAlive(pid)) {
    if (performance.now() > until) {
      throw new GatewayError("core_timeout", `the gateway (pid ${pid}) has not ended`);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** Ends the gateway that has this state, if one runs on this machine. */
export async function takeOver({
  stateDir,
  limits,
}: Pick<Settings, "stateDir" | "limits">): Promise<void> {
  const pid = await runningPid(stateDir);
  if (pid !== undefined) await endProcess(pid, limits.drainTimeoutMs);
}
