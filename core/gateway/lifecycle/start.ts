import type { Logger } from "pino";
import { GatewayError } from "../../../shared/errors.ts";
import { systemClock } from "../../channels/clock.ts";
import type { Settings } from "../../config/settings.ts";
import type { ModelIdentity } from "../../http/agents.ts";
import { prepare, type Prepared } from "./prepared.ts";
import type { LoadSettings } from "./reload.ts";
import { RunningGateway } from "./running.ts";
import { UnfitSettings } from "./unfit-settings.ts";

/** A running gateway. Disposing it ends it at once; `drain` first lets it finish. */
export interface Gateway extends AsyncDisposable {
  readonly port: number;
  /** Where programs of this machine reach it. */
  readonly url: string;
  readonly model: ModelIdentity;
  /**
   * Resolves once it leads: at once, unless it stands by. Rejects when it should and cannot; stays
   * open for one that is stopped before.
   */
  readonly leads: Promise<void>;
  /**
   * Takes nothing new, finishes what is under way or cuts it off, lets go of the state and says
   * goodbye.
   *
   * @param deadlineMs - Default: `sallyport.limits.drainTimeoutMs`, 20 s.
   */
  drain(deadlineMs?: number): Promise<void>;
}

/**
 * Builds every part from `settings`, in the order data flows, and starts it. One that stands by
 * builds what needs no state, and the rest when it is its turn.
 *
 * Disposal runs backwards. If a part fails to start, those before it are disposed and the error is
 * thrown: a gateway is wholly up or wholly down.
 *
 * @param load - Reads the settings anew, to follow what changes in their file; left out: nothing is
 *   followed.
 * @param logFile - The log file of the moment, for those who want to read it.
 * @throws GatewayError that says in one line what is in the way: UnfitSettings when that is the config.
 */
export async function startGateway(
  settings: Settings,
  log: Logger,
  load?: LoadSettings,
  logFile?: () => string | undefined,
): Promise<Gateway> {
  const prepared = await preparedFor(settings, log);
  await using guard = new AsyncDisposableStack();
  const gateway = guard.use(new RunningGateway(settings, prepared, log, logFile));
  if (settings.mode === "standby") await gateway.standBy();
  else await gateway.lead();
  if (load !== undefined) gateway.follow(load);
  guard.move();
  return gateway;
}

async function preparedFor(settings: Settings, log: Logger): Promise<Prepared> {
  try {
    return await prepare(settings, { clock: systemClock, random: Math.random, log });
  } catch (error) {
    throw error instanceof GatewayError ? new UnfitSettings(error) : error;
  }
}
