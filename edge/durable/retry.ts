/** Before each try after the first; the last for all that follow, until it has waited too long. */
const STEPS_MS = [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000] as const;
/** The core may wish for more, but not for ever. */
const MAX_WISH_MS = 6 * 3_600_000;

/**
 * How long a webhook waits that the core could not take. Half of each step is drawn, so that a
 * thousand of them do not come back at once.
 *
 * @param attempts - How often the core had not taken it before.
 * @param wishMs - What the core asks for, at least.
 * @param random - Uniform in [0, 1).
 */
export function retryMs(attempts: number, wishMs: number, random: () => number): number {
  const step = STEPS_MS[Math.min(attempts, STEPS_MS.length - 1)] ?? 0;
  return Math.round(Math.max(Math.min(wishMs, MAX_WISH_MS), step * (0.5 + random() / 2)));
}
