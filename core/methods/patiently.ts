import { GatewayError } from "../../shared/errors.ts";
import type { CallContext } from "./method.ts";

/** By then the gateway is back. */
const RETRY_AFTER_MS = 1_000;

/**
 * Waits for somebody's word, for as long as the caller is there and the gateway does not end.
 *
 * @throws GatewayError canceled, core_draining.
 */
export async function patiently<T>(
  word: T | Promise<T>,
  { signal, patience }: Pick<CallContext, "signal" | "patience">,
): Promise<T> {
  const over = Promise.withResolvers<never>();
  const end = (): void => over.reject(endOf(signal));
  if (patience.aborted) end();
  patience.addEventListener("abort", end, { once: true });
  try {
    return await Promise.race([word, over.promise]);
  } finally {
    patience.removeEventListener("abort", end);
  }
}

function endOf(signal: AbortSignal): GatewayError {
  if (signal.aborted) return new GatewayError("canceled", "The client is gone");
  return new GatewayError("core_draining", "The gateway is restarting: ask again", {
    retryAfterMs: RETRY_AFTER_MS,
  });
}
