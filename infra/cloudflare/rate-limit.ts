/** How the runtime's configuration calls the module below. */
export const RATE_LIMIT_MODULE = "sallyport-internal:rate-limit";

export interface RateLimitSettings {
  /** Calls of one key that pass in a period. */
  readonly limit: number;
  readonly periodMs: number;
}

/**
 * A rate-limit binding for the bare runtime, which has none: the interface of Cloudflare's, with a
 * count a key that starts anew with every period. It is exact, because the bare runtime has one
 * isolate; the counts are gone when it restarts.
 *
 * It is handed to the runtime as text: nothing in it may refer to anything outside of it.
 * Source: https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/
 */
export function rateLimit({ limit, periodMs }: RateLimitSettings): {
  limit(options: { readonly key: string }): Promise<{ readonly success: boolean }>;
} {
  // An attacker with as many addresses is not stopped by counting them; the memory is.
  const maxKeys = 50_000;
  const counts = new Map<string, number>();
  let period = 0;
  return {
    limit: async ({ key }) => {
      const current = Math.floor(Date.now() / periodMs);
      if (current !== period) counts.clear();
      period = current;
      const count = (counts.get(key) ?? 0) + 1;
      if (count > 1 || counts.size < maxKeys) counts.set(key, count);
      return { success: count <= limit };
    },
  };
}

/** The module's text. Node and the tests' compiler have taken the types out of it by now. */
export const RATE_LIMIT_SCRIPT = `export ${rateLimit.toString()}`;
