import { EdgeBundle, type Verifier } from "../../shared/edge-bundle.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { IngressRouteInput, OutageAlert } from "../../shared/ingress/route.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { Device } from "../store/device.ts";
import { deviceSubject, OPERATOR } from "./auth/auth.ts";

/** Webhooks that any program with the hooks token may call: run the agent, or just tell it something. */
export const HOOK_ROUTES = ["agent", "wake"] as const;
export type HookRoute = (typeof HOOK_ROUTES)[number];

/** A prompt, not a document: the gateway contract's limit. */
export const MAX_HOOK_BYTES = 256 * 1024;

/** How many routes one edge takes. */
const MAX_ROUTES = 256;

export interface EdgeBundleSource {
  /** Digests of the credentials that open this gateway. */
  readonly tokenDigests: readonly string[];
  /** What they are; default: tokens. */
  readonly kind?: "token" | "password" | undefined;
  /** Origins of pages that may use it beside those of the edge itself. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Webhooks: of the settings, and those that the channels want to be called on. */
  readonly routes: readonly IngressRouteInput[];
  readonly rate: EdgeBundle["rate"];
  /** Whom the edge tells that we are gone; undefined: nobody. */
  readonly outageAlert?: OutageAlert | undefined;
}

/**
 * What the edge must know to turn strangers away on its own. Pure.
 *
 * @throws GatewayError `too_large` for more than an edge takes, `conflict` for two routes of one
 *   name: nothing may be published then.
 * @throws ZodError for parts that make no legal bundle: a bug of whoever made them.
 */
export function edgeBundle(source: EdgeBundleSource): EdgeBundle {
  const { tokenDigests, kind, routes, rate, allowedOrigins, outageAlert } = source;
  const names = routes.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new GatewayError("conflict", `Two webhooks have the name "${twice}": rename one`);
  }
  if (routes.length > MAX_ROUTES) {
    throw new GatewayError(
      "too_large",
      `An edge takes ${MAX_ROUTES} webhooks, and the settings have ${routes.length}`,
    );
  }
  const bundle = EdgeBundle.parse({
    verifiers: tokenDigests.map((digest) => ({
      digest,
      ...OPERATOR,
      ...(kind === undefined ? {} : { kind }),
    })),
    routes,
    rate,
    ...(allowedOrigins === undefined ? {} : { allowedOrigins: [...allowedOrigins] }),
    ...(outageAlert === undefined ? {} : { outageAlert }),
  });
  checkSize(bundle);
  return bundle;
}

/**
 * The bundle with what opens the edge to devices. Those it has no room for have to come with the
 * shared secret; whoever was here last comes first. Pure.
 */
export function withDevices(bundle: EdgeBundle, devices: readonly Device[]): EdgeBundle {
  const verifiers = devices
    .toSorted((a, b) => (b.lastSeenAtMs ?? b.approvedAtMs) - (a.lastSeenAtMs ?? a.approvedAtMs))
    .flatMap(deviceVerifiers);
  const room = LIMITS.maxVerifiers - bundle.verifiers.length;
  const spareBytes = LIMITS.maxBundleBytes - Buffer.byteLength(JSON.stringify(bundle));
  const fitting: Verifier[] = [];
  let bytes = 0;
  for (const verifier of verifiers.slice(0, Math.max(0, room))) {
    bytes += Buffer.byteLength(JSON.stringify(verifier)) + 1;
    if (bytes > spareBytes) break;
    fitting.push(verifier);
  }
  return { ...bundle, verifiers: [...bundle.verifiers, ...fitting] };
}

/** Of its roles only that of an operator is of use to somebody who comes through the edge. */
function deviceVerifiers({ deviceId, tokens }: Device): Verifier[] {
  return tokens
    .filter(({ role, revokedAtMs }) => role === "operator" && revokedAtMs === undefined)
    .map(({ digest, scopes }) => ({
      digest,
      subject: deviceSubject(deviceId),
      // What the device may do is in its own scopes: the edge and we look at them first.
      scopes: ["operator"],
      operatorScopes: scopes.slice(0, 16),
      deviceId,
      kind: "device",
    }));
}

function checkSize(bundle: EdgeBundle): void {
  const bytes = Buffer.byteLength(JSON.stringify(bundle));
  if (bytes <= LIMITS.maxBundleBytes) return;
  const [largest] = bundle.routes.toSorted((a, b) => sizeOf(b) - sizeOf(a));
  throw new GatewayError(
    "too_large",
    `What the edge must know has ${bytes} bytes and may have ${LIMITS.maxBundleBytes}: the webhook ` +
      `"${largest?.name ?? ""}" has most of them; give it fewer addresses or a shorter answer`,
  );
}

function sizeOf(route: EdgeBundle["routes"][number]): number {
  return JSON.stringify(route).length;
}
