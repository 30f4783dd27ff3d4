import * as z from "zod";
import type { Secret } from "../../shared/secret.ts";
import { pause } from "../process/pause.ts";

/** Short against what a person notices, long against what a health check costs. */
const POLL_MS = 50;

/** One question must not use up the whole wait. */
const ASK_TIMEOUT_MS = 2_000;

/** The core's own view, which only a caller with the token gets. */
const CoreHealth = z.object({ edge: z.object({ connected: z.literal(true) }) });

/** `spooled` is there for known tokens alone: so the edge has the core's list of them, too. */
const EdgeHealth = z.object({
  core: z.object({ connected: z.literal(true), spooled: z.number() }),
});

export interface Ends {
  /** Base URLs. */
  readonly gateway: string;
  readonly edge: string;
}

/**
 * Waits until a caller with the token gets through the edge to the core.
 *
 * The core is asked first: the edge looks up a token it does not know only now and then.
 *
 * @returns False when `signal` aborted first.
 */
export async function coreConnected(
  { gateway, edge }: Ends,
  token: Secret,
  signal: AbortSignal,
): Promise<boolean> {
  return (
    (await healthBecomes(CoreHealth, gateway, token, signal)) &&
    (await healthBecomes(EdgeHealth, edge, token, signal))
  );
}

async function healthBecomes(
  wanted: z.ZodType,
  base: string,
  token: Secret,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    if (wanted.safeParse(await health(base, token, signal)).success) return true;
    await pause(POLL_MS, signal);
  }
  return false;
}

async function health(base: string, token: Secret, signal: AbortSignal): Promise<unknown> {
  try {
    const response = await fetch(`${base}/health`, {
      headers: { Authorization: `Bearer ${token.reveal()}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]),
    });
    return await response.json();
  } catch {
    return undefined; // Not there yet; the caller's deadline decides how long that may last.
  }
}
