/** Where the answer of a job goes. Pure. */
import type { CronDelivery } from "../store/cron-job.ts";

/** A conversation of a channel. */
export interface Route {
  readonly channel: string;
  readonly to: string;
}

export type Destination =
  | { readonly kind: "none" }
  | { readonly kind: "route"; readonly route: Route }
  /** Asked for, and nowhere to go: the reason fits its owner. */
  | { readonly kind: "lost"; readonly reason: string };

/** Where people can be reached. */
export interface Routes {
  /** Where the session was last talked to from. */
  last(sessionKey: string): Promise<Route | undefined>;
  /** A direct conversation with the owner. */
  owner(): Promise<Route | undefined>;
  /** Channels that are set up, by name. */
  channels(): readonly string[];
}

/** What a destination is looked up with. */
export interface Wish {
  readonly channel?: string | undefined;
  readonly to?: string | undefined;
  readonly sessionKey: string;
}

export async function destinationOf(wish: Wish, routes: Routes): Promise<Destination> {
  const { channel = "last", to, sessionKey } = wish;
  if (channel === "none") return { kind: "none" };
  if (channel === "owner") return found(await routes.owner(), NO_OWNER);
  if (channel === "last") return lastOf(to, sessionKey, routes);
  if (!routes.channels().includes(channel)) {
    const remedy = `set it up under channels.${channel}`;
    return { kind: "lost", reason: `there is no channel ${channel}: ${remedy}` };
  }
  if (to !== undefined) return { kind: "route", route: { channel, to } };
  const known = [await routes.last(sessionKey), await routes.owner()];
  const reason = `nobody to tell on ${channel}: name the recipient with "to"`;
  return found(
    known.find((route) => route?.channel === channel),
    reason,
  );
}

async function lastOf(
  to: string | undefined,
  sessionKey: string,
  routes: Routes,
): Promise<Destination> {
  const last = await routes.last(sessionKey);
  if (to === undefined) return found(last ?? (await routes.owner()), NO_LAST);
  const [only, ...others] = routes.channels();
  const channel = last?.channel ?? (others.length === 0 ? only : undefined);
  return found(channel === undefined ? undefined : { channel, to }, NO_LAST);
}

const NO_LAST =
  "nobody was talked to on any channel yet: name the recipient with delivery.channel and delivery.to";
const NO_OWNER = "no channel names its owner: put your id into allowFrom of a channel";

function found(route: Route | undefined, reason: string): Destination {
  return route === undefined ? { kind: "lost", reason } : { kind: "route", route };
}

/** One line of where a job's answers go, as lists of jobs show it. */
export function previewOf(
  delivery: CronDelivery | undefined,
  destination: Destination,
): { readonly label: string; readonly detail: string } {
  if (delivery === undefined || delivery.mode === "none") {
    return { label: "not requested", detail: "not requested" };
  }
  const { channel = "last", to } = delivery;
  const label = `announce -> ${to === undefined ? channel : `${channel}:${to}`}`;
  switch (destination.kind) {
    case "none":
      return { label, detail: "not requested" };
    case "lost":
      return { label, detail: `${channel} -> no route: ${destination.reason}` };
    case "route":
      return { label, detail: `${destination.route.channel}:${destination.route.to}` };
  }
}
