import * as z from "zod";
import { jsonOrUndefined } from "../../../shared/json.ts";
import { backoffMs } from "../../../shared/backoff.ts";
import { type Result, err, ok } from "../../../shared/result.ts";
import { pause } from "../../process/pause.ts";

/** What an edge says of itself to anybody. */
const EdgeHealth = z.object({
  status: z.literal("live"),
  edge: z.object({ version: z.string() }),
  core: z.object({ connected: z.boolean() }),
});
export type EdgeHealth = z.output<typeof EdgeHealth>;

/** One question must not use up the whole wait. */
const ASK_TIMEOUT_MS = 10_000;

/** A new address takes from seconds to a minute to be known everywhere. */
const MIN_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5_000;

/** Longest text of a stranger in a line of ours. */
const MAX_REASON_CHARS = 200;

/** Asks once. @returns Why it does not count as up, in words for people. */
export async function askHealth(
  url: string,
  signal: AbortSignal,
): Promise<Result<EdgeHealth, string>> {
  try {
    const response = await fetch(`${url}/health`, {
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]),
    });
    const text = await response.text();
    if (response.status !== 200) return err(`it answered ${response.status}`);
    const health = EdgeHealth.safeParse(jsonOrUndefined(text));
    return health.success ? ok(health.data) : err("something else answers there");
  } catch (error) {
    return err(reasonOf(error));
  }
}

/**
 * Asks until the edge is up.
 *
 * @param deadlineMs - How long to go on asking.
 * @returns What it answered, or why it did not at last.
 */
export async function waitForHealth(
  url: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Result<EdgeHealth, string>> {
  const deadline = performance.now() + deadlineMs;
  for (let attempt = 0; ; attempt += 1) {
    const health = await askHealth(url, signal);
    if (health.ok) return health;
    const pauseMs = MIN_PAUSE_MS + backoffMs(attempt, Math.random, { maxMs: MAX_PAUSE_MS });
    if (signal.aborted || performance.now() + pauseMs > deadline) return health;
    await pause(pauseMs, signal);
  }
}

/** `fetch` says "fetch failed"; the reason is below it. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = cause instanceof Error ? cause.message || cause.name : String(cause);
  return text.slice(0, MAX_REASON_CHARS);
}
