import { setTimeout as delay } from "node:timers/promises";

/** True after the whole time, false when `signal` cut it short. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(durationMs, undefined, { signal });
    return true;
  } catch {
    return false; // The only way it rejects is the abort.
  }
}
