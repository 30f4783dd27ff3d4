/** What the edge is told of our webhooks: the one place where their secrets are revealed. */
import type { IngressRouteInput, OutageAlert } from "../../shared/ingress/route.ts";
import type { Channel } from "../channels/channel.ts";
import type { AlertRule, IngressRouteSettings } from "../config/ingress/ingress.ts";

const MINUTE_MS = 60_000;

/** Routes as the edge takes them; of those that the core checks it gets nothing to check by. */
export function publishedRoutes(
  routes: readonly IngressRouteSettings[],
): Promise<IngressRouteInput[]> {
  return Promise.all(routes.map(published));
}

async function published(route: IngressRouteSettings): Promise<IngressRouteInput> {
  const { name, mode, sync, methods, dedupe, maxBodyBytes } = route;
  const { admission, rate, laneHeader } = route;
  const contentTypes = route.contentTypes && [...route.contentTypes];
  const verification =
    route.verifyAt === "core" ? { scheme: "core" as const } : await route.verification();
  return {
    name,
    verification,
    maxBodyBytes,
    mode,
    methods: [...methods],
    dedupe,
    // What is not set is not said: the bundle is kept small.
    ...(sync === undefined ? {} : { sync }),
    ...(contentTypes === undefined ? {} : { contentTypes }),
    ...(admission === undefined ? {} : { admission }),
    ...(rate === undefined ? {} : { rate }),
    ...(laneHeader === undefined ? {} : { laneHeader }),
  };
}

/**
 * The request by which the edge tells somebody that we are gone, made while we are not.
 *
 * @param channel - The channel of that id, if there is one.
 * @returns Undefined when nobody wants to know, or the channel has no such request.
 */
export async function outageAlert(
  alerts: readonly AlertRule[],
  channel: (id: string) => Pick<Channel, "alertRequest"> | undefined,
): Promise<OutageAlert | undefined> {
  const rule = alerts.find(({ when }) => when === "core_unreachable");
  if (rule?.when !== "core_unreachable") return undefined;
  const { to, afterMs } = rule;
  const request = await channel(to.channel)?.alertRequest(to.to, alertText(afterMs));
  if (request === undefined) return undefined;
  const headers = [...request.headers].map(([name, value]): [string, string] => [name, value]);
  return { afterMs, url: request.url, headers, body: request.body };
}

function alertText(afterMs: number): string {
  const minutes = Math.round(afterMs / MINUTE_MS);
  const time = minutes < 1 ? `${Math.round(afterMs / 1_000)} s` : `${minutes} min`;
  return (
    `Sallyport: webhooks are waiting at the edge, and the gateway has not been there for ${time}. ` +
    "Nothing is lost: they are delivered when it is back."
  );
}
