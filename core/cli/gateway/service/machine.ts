/** The service of this machine, as commands see it. */
import type { Environment } from "../../../config/paths.ts";
import type { Awaited } from "../../../service/health.ts";
import { type Found, findService } from "../../../service/look.ts";
import type { Machine } from "../../../service/managers.ts";
import type { Io } from "../../command.ts";
import { runningPid } from "../signal.ts";

/** Beside what a gateway that goes may take: reading a large store. */
const START_MS = 60_000;
const ANSWER_MS = 2_000;

export function machineOf({ env, home, uid }: Io): Machine {
  return { platform: process.platform, env, home, uid };
}

/** The service that was installed for this state; undefined: there is none. */
export async function serviceOf(stateDir: string, io: Io): Promise<Found | undefined> {
  const found = await findService(machineOf(io));
  return found?.definition.stateDir === stateDir ? found : undefined;
}

/**
 * Waits for a gateway that has the state and answers.
 *
 * @param port - 0: any, so that the state alone says it.
 */
export function awaitedIn(
  { manager, definition }: Pick<Found, "manager" | "definition">,
  port: number,
): Omit<Awaited, "notPid"> {
  return {
    manager,
    timeoutMs: START_MS + definition.stopSec * 1_000,
    whyNotWell: async (pid) => {
      const holder = await runningPid(definition.stateDir);
      if (holder === undefined) return "it has not taken its state";
      if (holder !== pid) return `pid ${holder} has its state`;
      return port === 0 || (await answers(port)) ? undefined : `port ${port} does not answer`;
    },
  };
}

async function answers(port: number): Promise<boolean> {
  try {
    const url = `http://127.0.0.1:${port}/healthz`;
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false; // nobody listens yet, whatever the reason
  }
}

/** The variables that a program of the service starts with. */
export function environmentFor(env: Environment, carried: Environment): Environment {
  const { HOME, PATH, SHELL, USER, LOGNAME } = env;
  return { HOME, PATH, SHELL, USER, LOGNAME, ...carried };
}
