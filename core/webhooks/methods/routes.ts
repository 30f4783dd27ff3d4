/** `webhooks.routes`, `webhooks.stats`: where webhooks come in, and how many did. */
import * as z from "zod";
import type {
  Case,
  Condition,
  Delivery,
  IngressRouteSettings,
  Target,
} from "../../config/ingress/ingress.ts";
import type { WebhookStats } from "../../store/webhook.ts";
import type { Routes, Stats } from "./answers.ts";
import type { NamedMethod, WebhookMethodParts } from "./parts.ts";
import { refusalOf } from "./metrics-relay.ts";
import { freshCounts, lastCounts } from "./relay-counts.ts";

const Nothing = z.strictObject({});

export function routeMethods(parts: WebhookMethodParts): readonly NamedMethod[] {
  return [
    [
      "webhooks.routes",
      {
        scope: "operator.read",
        async call(params): Promise<Routes> {
          Nothing.parse(params ?? {});
          const [stats, { counts, silent }] = await Promise.all([
            parts.store.webhookStats(),
            freshCounts(parts.tunnel()),
          ]);
          const refused = [
            ...parts.desk.refusals.counts(),
            ...[...counts.values()].flatMap((one) => Object.entries(one.refused)),
          ];
          const base = parts.door().url;
          const routes = parts.ingress().routes.map((one) => routeOf(one, base, stats, refused));
          return { routes, silent: [...silent] };
        },
      },
    ],
    [
      "webhooks.stats",
      {
        scope: "operator.read",
        async call(params): Promise<Stats> {
          Nothing.parse(params ?? {});
          const routes = await parts.store.webhookStats();
          return {
            routes: routes.map(({ route, accepted, duplicates, lastAt }) => {
              return { route, accepted, duplicates, lastAt: lastAt === 0 ? null : lastAt };
            }),
            relays: [...lastCounts(parts.tunnel())].map(([relay, counts]) => {
              const { spooled, dead, oldestAt = null, refused } = counts;
              return { relay, spooled, dead, oldestAt, refused };
            }),
          };
        },
      },
    ],
  ];
}

function routeOf(
  route: IngressRouteSettings,
  base: URL,
  stats: readonly WebhookStats[],
  refusals: readonly (readonly [string, number])[],
): Routes["routes"][number] {
  const { name, scheme, verifyAt, mode, cases } = route;
  const counted = stats.find((one) => one.route === name);
  return {
    name,
    url: new URL(name, base).href,
    scheme,
    verifiedAt: verifyAt,
    mode,
    target: cases.map(caseText).join("; or "),
    lastAt: counted === undefined || counted.lastAt === 0 ? null : counted.lastAt,
    accepted: counted?.accepted ?? 0,
    duplicates: counted?.duplicates ?? 0,
    ...refusedOf(name, refusals),
  };
}

/** Of one route: how many, and why. */
function refusedOf(
  name: string,
  refusals: readonly (readonly [string, number])[],
): Pick<Routes["routes"][number], "refused" | "reasons"> {
  const reasons = new Map<string, number>();
  for (const [key, count] of refusals) {
    const { route, reason } = refusalOf(key);
    if (route === name && count > 0) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  }
  const refused = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  return { refused, reasons: Object.fromEntries(reasons) };
}

function caseText({ when, target }: Case): string {
  const conditions = when.map(conditionText);
  return `${targetText(target)}${when.length === 0 ? "" : ` when ${conditions.join(" and ")}`}`;
}

function conditionText(condition: Condition): string {
  const { path, header, equals, oneOf, matches, exists, not } = condition;
  const subject = header ?? (path === "" ? "the body" : path);
  const asked = [
    ...(equals === undefined ? [] : [`is ${JSON.stringify(equals)}`]),
    ...(oneOf === undefined ? [] : [`is one of ${JSON.stringify(oneOf)}`]),
    ...(matches === undefined ? [] : [`matches ${String(matches)}`]),
    ...(exists === undefined ? [] : [exists ? "is there" : "is missing"]),
  ];
  const text = asked.length === 0 ? "is there" : asked.join(" and ");
  return not ? `not (${subject} ${text})` : `${subject} ${text}`;
}

/** What a webhook sets off, for people. Addresses only: headers may hold credentials. Pure. */
export function targetText(target: Target): string {
  switch (target.kind) {
    case "hook":
      return target.hook === "agent"
        ? "an agent turn, as the body says"
        : "a wake-up of the owner's session";
    case "agent":
      return `an agent turn${recipientText(target.deliver)}`;
    case "wake":
      return `a wake-up of the owner's session${recipientText(target.deliver)}`;
    case "channel":
      return `channel ${target.channel}`;
    case "forward":
      return `forwarded to ${target.url.origin}${target.url.pathname}`;
  }
}

function recipientText(to: Delivery | undefined): string {
  if (to === "sender") return ", answered to the sender";
  return to === undefined ? "" : `, answered to ${to.channel} ${to.to}`;
}
