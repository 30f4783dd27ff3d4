/** Turns that nobody waits for: beginning them, waiting for them, telling what they said. */
import { type ErrorCode, GatewayError } from "../../shared/errors.ts";
import type { RunOrder, RunState } from "../conversation/run.ts";
import type { CronDeliveryStatus, CronStatusWord } from "../store/cron-job.ts";
import type { CronParts } from "./parts.ts";

/** Between two questions whether a run has ended; it tells by itself, this is for lost words. */
const WAIT_MS = 60_000;

/** How telling an answer went. */
export interface Delivered {
  readonly status: CronDeliveryStatus;
  readonly error?: string | undefined;
  /** Why an answer was not for people. */
  readonly suppressed?: string | undefined;
}

/** What became of a run. */
export interface Executed {
  readonly status: CronStatusWord;
  readonly code?: ErrorCode | undefined;
  /** Fit for people. */
  readonly error?: string | undefined;
  readonly summary?: string | undefined;
  readonly sessionKey?: string | undefined;
  readonly run?: RunState | undefined;
  readonly delivery: Delivered;
}

export const NOT_REQUESTED: Delivered = { status: "not-requested" };

/** Queues a message; it leaves when its platform takes it. */
export async function announce(
  { tell }: Pick<CronParts, "tell">,
  id: string,
  { channel, to }: { readonly channel: string; readonly to: string },
  text: string,
): Promise<Delivered> {
  try {
    await tell({ id, channel, conversation: to, text });
    return { status: "delivered" };
  } catch (error) {
    if (error instanceof GatewayError && error.code === "not_found") {
      return { status: "not-delivered", error: error.message };
    }
    throw error;
  }
}

/** Begins a run, or finds the one that was begun, and waits for its end. Undefined: `signal`. */
export async function finished(
  runs: CronParts["runs"],
  order: RunOrder,
  signal: AbortSignal,
): Promise<RunState | undefined> {
  const begun = await runs.start(order);
  let state: RunState | undefined = begun.run;
  while (state?.endedAt === undefined) {
    if (signal.aborted) return undefined;
    state = (await runs.wait(order.id, WAIT_MS, signal)) ?? state;
  }
  return state;
}
