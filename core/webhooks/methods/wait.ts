import type { WebhookMethodParts } from "./parts.ts";

/**
 * Looks until there is something, whenever anything has changed.
 *
 * @param waitMs - 0: looks once.
 * @returns Undefined when there was nothing in time, or the gateway stops.
 */
export async function within<T>(
  { desk, stop }: Pick<WebhookMethodParts, "desk" | "stop">,
  waitMs: number,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const over = new AbortController();
  const end = (): void => over.abort();
  const timer = setTimeout(end, waitMs);
  stop.addEventListener("abort", end);
  if (stop.aborted || waitMs === 0) end();
  try {
    for (;;) {
      // Asked for before the look: what comes during it is not missed.
      const changed = desk.changed(over.signal);
      const found = await look();
      if (found !== undefined || over.signal.aborted) return found;
      await changed;
    }
  } finally {
    end();
    clearTimeout(timer);
    stop.removeEventListener("abort", end);
  }
}
