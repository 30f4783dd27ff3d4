import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import type { IngressRouteInput } from "../../shared/ingress/route.ts";
import { LIMITS } from "../../shared/limits.ts";
import { edgeBundle } from "../gateway/edge-bundle.ts";

export interface BundleSource {
  /** Digests of the credentials that open the edge. */
  readonly tokenDigests: readonly string[];
  /** Digest of what opens the webhooks; undefined: there are none. */
  readonly hooksDigest: string | undefined;
  /** Last parts of `/hooks/<name>`. */
  readonly webhooks: readonly string[];
  /** Those of them whose senders are checked otherwise than by the hooks token. */
  readonly routes?: readonly IngressRouteInput[];
  readonly rate: EdgeBundle["rate"];
  /** Whether browsers may sign in. */
  readonly login: boolean;
  /** Whether the upstream speaks the gateway's protocol, and we put our credentials into it. */
  readonly greets: boolean;
  readonly routing?: EdgeBundle["routing"];
}

/** What the edge must know to turn strangers away from the upstream. Pure. */
export function upstreamBundle({
  tokenDigests,
  hooksDigest,
  webhooks,
  routes = [],
  rate,
  login,
  greets,
  routing,
}: BundleSource): EdgeBundle {
  const otherwise = new Set(routes.map(({ name }) => name));
  const names = hooksDigest === undefined ? [] : [...new Set(webhooks)];
  const bundle = edgeBundle({
    tokenDigests,
    routes: [
      ...names
        .filter((name) => !otherwise.has(name))
        .map((name) => ({
          name,
          verification: { scheme: "bearer" as const, digests: [hooksDigest ?? ""] },
          // How long a webhook may be, the upstream knows best.
          maxBodyBytes: LIMITS.maxWebhookBytes,
        })),
      ...routes,
    ],
    rate,
  });
  const front = { login: { enabled: login }, greets };
  return { ...bundle, ...front, ...(routing === undefined ? {} : { routing }) };
}
