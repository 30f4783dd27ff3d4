import { GatewayError } from "../../../shared/errors.ts";

/** A restart is over in less; whoever comes back sooner finds nobody. */
const RETRY_AFTER_MS = 1_000;

/** The answer to what comes, or is still under way, while this gateway ends. */
export function draining(): GatewayError {
  return new GatewayError("core_draining", "The gateway is shutting down", {
    retryAfterMs: RETRY_AFTER_MS,
  });
}
