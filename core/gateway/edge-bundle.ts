import { EdgeBundle, HOOKS_PATH, type Verifier } from "../../shared/edge-bundle.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { IngressRouteInput, OutageAlert } from "../../shared/ingress/route.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { Device, SetupCode } from "../store/device.ts";
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
  /** `hooks.path`; default: `HOOKS_PATH`. */
  readonly hooksPath?: string | undefined;
  /** Whom the edge tells that we are gone; undefined: nobody. */
  readonly outageAlert?: OutageAlert | undefined;
}

/** What is below these is the gateway's own, and asks for another credential than webhooks have. */
const OWN_PATHS = /^\/(?:api|auth|tools|tunnel|v1)(?:\/|$)/i;

/** What webhooks are posted below at the edge. @param path - `hooks.path` */
export function edgeHooksPath(path: string): string {
  return OWN_PATHS.test(path) ? HOOKS_PATH : path;
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
  const hooksPath = edgeHooksPath(source.hooksPath ?? HOOKS_PATH);
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
    // Not said where an edge takes it for granted: one of before has nothing to do without then.
    ...(hooksPath === HOOKS_PATH ? {} : { hooksPath }),
    ...(outageAlert === undefined ? {} : { outageAlert }),
  });
  checkSize(bundle);
  return bundle;
}

/**
 * The bundle with what opens the edge to devices, and what lets new ones knock. Devices it has no
 * room for have to come with the shared secret; whoever was here last comes first. Pure.
 */
export function withDevices(
  bundle: EdgeBundle,
  devices: readonly Device[],
  codes: readonly SetupCode[] = [],
): EdgeBundle {
  const verifiers = devices
    .toSorted((a, b) => (b.lastSeenAtMs ?? b.approvedAtMs) - (a.lastSeenAtMs ?? a.approvedAtMs))
    .flatMap(deviceVerifiers);
  const base = withCodes(bundle, codes);
  const room = LIMITS.maxVerifiers - base.verifiers.length;
  const spareBytes = LIMITS.maxBundleBytes - bytesOf(base);
  const fitting: Verifier[] = [];
  let bytes = 0;
  for (const verifier of verifiers.slice(0, Math.max(0, room))) {
    bytes += bytesOf(verifier) + 1;
    if (bytes > spareBytes) break;
    fitting.push(verifier);
  }
  return { ...base, verifiers: [...base.verifiers, ...fitting] };
}

/** Without them where there is no room: an edge takes nothing at all of what is too long. */
function withCodes(bundle: EdgeBundle, codes: readonly SetupCode[]): EdgeBundle {
  if (codes.length === 0) return bundle;
  const setupCodes = codes.map(({ digest, expiresAtMs: expiresAt }) => ({ digest, expiresAt }));
  const known = { ...bundle, setupCodes };
  return bytesOf(known) > LIMITS.maxBundleBytes ? bundle : known;
}

/** As it is sent. */
function bytesOf(part: EdgeBundle | Verifier): number {
  return Buffer.byteLength(JSON.stringify(part));
}

/** One for each role it has: what the token of a node opens is the way in for a node and no more. */
function deviceVerifiers({ deviceId, tokens }: Device): Verifier[] {
  return tokens
    .filter(({ revokedAtMs }) => revokedAtMs === undefined)
    .map(({ digest, role, scopes }) => ({
      digest,
      subject: deviceSubject(deviceId),
      // What the device may do is in its own scopes: the edge and we look at them first.
      scopes: ["operator"],
      operatorScopes: role === "operator" ? scopes.slice(0, 16) : [],
      deviceId,
      kind: "device",
    }));
}

function checkSize(bundle: EdgeBundle): void {
  const bytes = bytesOf(bundle);
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
