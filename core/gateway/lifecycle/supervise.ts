import type { Logger } from "pino";
import { backoffMs } from "../../../shared/backoff.ts";
import { GatewayError } from "../../../shared/errors.ts";
import type { Clock } from "../../channels/clock.ts";

/** A loop that has run this long was well: its next fall counts as the first again. */
const STEADY_MS = 60_000;

export interface SupervisorParts {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * Keeps a background loop running until `signal` aborts: one that rejects is logged once and
 * started again after a pause that grows. One that was refused for good (`unauthenticated`: a
 * revoked token) stays down until the settings change. Settles when the loop has ended for good.
 * Never rejects.
 */
export async function supervise(
  part: string,
  run: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  { clock, random, log }: SupervisorParts,
): Promise<void> {
  let attempt = 0;
  while (!signal.aborted) {
    const startedAt = clock.now();
    try {
      await run(signal);
      return;
    } catch (err) {
      if (err instanceof GatewayError && err.code === "unauthenticated") {
        log.error({ err, part }, "background loop refused for good");
        return;
      }
      if (clock.now() - startedAt >= STEADY_MS) attempt = 0;
      const retryInMs = Math.ceil(backoffMs(attempt, random));
      log.error({ err, part, retryInMs }, "background loop failed");
      await clock.wait(retryInMs, signal);
      attempt += 1;
    }
  }
}
