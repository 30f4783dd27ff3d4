/** Whether webhooks come in where they should, and are dealt with. Pure. */
import type { IngressRouteSettings } from "../../config/ingress/ingress.ts";
import type { Settings } from "../../config/settings.ts";
import { judgeGuard, type HttpOutcome } from "./edge-answer.ts";
import { failed, ok, type Verdict, warning } from "./finding.ts";
import type { Relay } from "./relays.ts";

/** Of many routes, in one line. */
const MAX_NAMED = 16;

/** Work that waits longer is stuck, or always fails. */
export const STUCK_MS = 10 * 60_000;

/** What a gateway, or a connector in its place, has the edge take in. */
export interface Taken {
  readonly routes: readonly Pick<IngressRouteSettings, "name" | "verifyAt">[];
  /** Set up, and off: what their senders are checked by is not set. */
  readonly off: readonly string[];
  /** OpenClaw's own: `/hooks/agent` and `/hooks/wake`. */
  readonly hooks: boolean;
}

/** @param connects - A connector runs here: it takes what its upstream is to have. */
export function takenBy(settings: Settings, connects: boolean): Taken {
  const { routes: written } = settings.config.sallyport.ingress;
  const { webhooks } = settings.config.sallyport.upstream;
  const hooks = settings.hooks !== undefined;
  const known = [...settings.ingress.routes, ...settings.upstreamRoutes].map(({ name }) => name);
  const own = connects ? settings.upstreamRoutes : settings.ingress.routes;
  const byToken = connects && hooks ? webhooks : [];
  return {
    routes: [
      ...own,
      ...byToken
        .filter((name) => !own.some((route) => route.name === name))
        .map((name) => ({ name, verifyAt: "edge" as const })),
    ],
    off: Object.keys(written).filter((name) => !known.includes(name)),
    hooks,
  };
}

export function judgeRoutes({ routes, off, hooks }: Taken): Verdict {
  const names = routes.map(({ name }) => name);
  const note = hooks ? "" : "; hooks are off (hooks.enabled, hooks.token)";
  const detail = names.length === 0 ? "no webhook is set up" : `webhooks: ${named(names)}`;
  if (off.length === 0) return ok(`${detail}${note}`);
  return warning(
    `${detail}; off, for want of what their senders are checked by: ${named(off)}`,
    "set the variables that their secrets name, in the environment or in .env of the state folder",
  );
}

/** @param relays - As the running gateway sees them. */
export function judgePublished(relays: readonly Relay[]): Verdict {
  const near = relays.filter(({ connected, draining }) => connected && !draining);
  const refused = near.find(({ lastError }) => lastError?.includes("refused our routes") === true);
  if (refused === undefined) {
    return ok(`the edge has them, sealed where they hold secrets (${named(nameOf(near))})`);
  }
  return failed(
    `${refused.name}: ${refused.lastError}`,
    "deploy the edge again (sallyport edge deploy): that makes its SEAL_KEY, too",
  );
}

function nameOf(relays: readonly Relay[]): string[] {
  return relays.map(({ name }) => name);
}

/** A webhook without a signature, at one route of the edge. */
export interface Knock {
  readonly path: string;
  readonly outcome: HttpOutcome;
}

/** The worst of them is told. */
export function judgeGuards(knocks: readonly Knock[], all: number): Verdict {
  const verdicts = knocks.map(({ path, outcome }) => judgeGuard(path, outcome));
  const bad = (["failed", "warning"] as const).flatMap((status) =>
    verdicts.filter((verdict) => verdict.status === status),
  );
  const [worst] = bad;
  if (worst === undefined) {
    const rest = all > knocks.length ? `; ${all - knocks.length} more were not tried` : "";
    const paths = named(knocks.map(({ path }) => path));
    return ok(`unsigned webhooks are turned away: ${paths}${rest}`);
  }
  const more = bad.length > 1 ? ` (and ${bad.length - 1} more)` : "";
  return { ...worst, detail: `${worst.detail}${more}` };
}

/** @param hasOld - Some of it waits for longer than `STUCK_MS`. */
export function judgeWaiting(hasOld: boolean): Verdict {
  if (!hasOld) return ok("nothing that was taken in waits for more than 10 minutes");
  return warning(
    "webhooks that were taken in wait for more than 10 minutes",
    "sallyport webhooks list --state waiting says why: each lane waits for the oldest in it",
  );
}

/**
 * @param count - As many as one look finds.
 * @param hasMore - There are more than these.
 */
export function judgeDead(
  count: number,
  hasMore: boolean,
  routes: ReadonlySet<string>,
  silent: readonly string[],
): Verdict {
  const unasked = silent.length === 0 ? "" : `; ${named(silent)} did not say`;
  if (count === 0) return ok(`no dead letters${unasked}`);
  return warning(
    `${count}${hasMore ? " or more" : ""} dead letters of ${named([...routes])}${unasked}`,
    "sallyport webhooks dead-letters lists them and why; dead-letters replay or drop ends it",
  );
}

function named(names: readonly string[]): string {
  const rest = names.length - MAX_NAMED;
  const shown = names.slice(0, MAX_NAMED).join(", ");
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
