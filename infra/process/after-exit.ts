import { backoffMs } from "../../shared/backoff.ts";
import { EXIT_CONFIG } from "./exit-codes.ts";

/**
 * What to do when a process of ours has ended. Pure.
 */

/** Shortest and longest pause before a process is started again. */
const MIN_RESTART_MS = 250;
const MAX_RESTART_MS = 5_000;

/** After running this long a crash counts as the first again. */
export const STEADY_MS = 60_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Whether this run of it ever was ready. */
  readonly wasReady: boolean;
  /** How long it ran. */
  readonly uptimeMs: number;
}

export type Decision =
  | { readonly next: "restart"; readonly delayMs: number; readonly attempt: number }
  | { readonly next: "stop"; readonly exitCode: number };

export interface History {
  /** True once anything was ready: before that a failure is the user's to see, not ours to repeat. */
  readonly everReady: boolean;
  /** Restarts since it last ran steadily. */
  readonly attempt: number;
}

/**
 * A process that was killed or crashed comes back; one that was asked to stop, or cannot run with
 * this configuration, ends the whole.
 *
 * @param random - Uniform in [0, 1).
 */
export function afterExit(exit: Exit, history: History, random: () => number): Decision {
  if (exit.code === 0) return { next: "stop", exitCode: 0 };
  if (exit.code === EXIT_CONFIG) return { next: "stop", exitCode: EXIT_CONFIG };
  if (!history.everReady) return { next: "stop", exitCode: exit.code ?? 1 };
  const attempt = exit.wasReady && exit.uptimeMs >= STEADY_MS ? 0 : history.attempt;
  const jitterMs = backoffMs(attempt, random, {
    baseMs: MIN_RESTART_MS,
    maxMs: MAX_RESTART_MS - MIN_RESTART_MS,
  });
  return {
    next: "restart",
    delayMs: MIN_RESTART_MS + jitterMs,
    attempt: attempt + 1,
  };
}
