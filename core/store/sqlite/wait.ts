import { setTimeout as sleep } from "node:timers/promises";
import { GatewayError } from "../../../shared/errors.ts";
import type { Store } from "../store.ts";
import { openSqliteStore, type SqliteOptions } from "./open.ts";

/** A look costs some 0.3 ms; ten a second leave most of a second for the rest of a takeover. */
const LOOK_EVERY_MS = 100;

export interface WaitOptions extends Omit<SqliteOptions, "busyTimeoutMs"> {
  /** Called once, when another process turns out to hold the state. */
  readonly onBusy: () => void;
}

/**
 * Opens the state as soon as nobody else holds it: at once, or some 100 ms after its holder let go
 * or died.
 *
 * @returns Undefined when `signal` aborted before.
 * @throws GatewayError as `openSqliteStore`, but for `conflict`.
 */
export async function awaitSqliteStore(
  { onBusy, ...options }: WaitOptions,
  signal: AbortSignal,
): Promise<Store | undefined> {
  let toldBusy = false;
  while (!signal.aborted) {
    try {
      // Not waiting inside: that would stop the thread, and with it everything else we do.
      return await openSqliteStore({ ...options, busyTimeoutMs: 0 });
    } catch (error) {
      if (!(error instanceof GatewayError && error.code === "conflict")) throw error;
      if (!toldBusy) onBusy();
      toldBusy = true;
    }
    // Spread, so that two who wait do not keep getting into each other's way.
    await sleep(LOOK_EVERY_MS * (0.5 + Math.random()), undefined, { signal }).catch(
      () => undefined,
    );
  }
  return undefined;
}
