import { EdgeBundle, type IngressRoute } from "../../shared/edge-bundle.ts";
import { LIMITS } from "../../shared/limits.ts";
import { OPERATOR } from "./auth.ts";

/** Webhooks that any program with the hooks token may call: run the agent, or just tell it something. */
export const HOOK_ROUTES = ["agent", "wake"] as const;
export type HookRoute = (typeof HOOK_ROUTES)[number];

/** A prompt, not a document: the gateway contract's limit. */
export const MAX_HOOK_BYTES = 256 * 1024;

export interface EdgeBundleSource {
  /** Digests of the credentials that open this gateway. */
  readonly tokenDigests: readonly string[];
  /** Digest of the hooks token; undefined: hooks are off. */
  readonly hooksDigest: string | undefined;
  /** What the channels want to be called on. */
  readonly channelRoutes: readonly IngressRoute[];
  readonly rate: EdgeBundle["rate"];
}

/**
 * What the edge must know to turn strangers away on its own. Pure.
 *
 * @throws ZodError for parts that make no legal bundle: a bug of whoever made them.
 */
export function edgeBundle(source: EdgeBundleSource): EdgeBundle {
  const { tokenDigests, hooksDigest, channelRoutes, rate } = source;
  const hooks: IngressRoute[] =
    hooksDigest === undefined
      ? []
      : HOOK_ROUTES.map((name) => ({
          name,
          verification: { scheme: "bearer", digests: [hooksDigest] },
          maxBodyBytes: Math.min(MAX_HOOK_BYTES, LIMITS.maxWebhookBytes),
        }));
  return EdgeBundle.parse({
    verifiers: tokenDigests.map((digest) => ({ digest, ...OPERATOR })),
    routes: [...hooks, ...channelRoutes],
    rate,
  });
}
