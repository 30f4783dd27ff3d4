/** `webhooks.routes`, `webhooks.stats`: where webhooks come in, and how many did. */
import * as z from "zod";
import type { Case, Condition, IngressRouteSettings, Target } from "../config/ingress.ts";
import type { WebhookStats } from "../store/webhook.ts";
import type { Tunnel } from "../tunnel/handlers.ts";
import type { Routes, Stats } from "./methods-answers.ts";
import type { NamedMethod, WebhookMethodParts } from "./methods-parts.ts";
import { refusalOf, type RelayWebhooks, relayWebhooks } from "./metrics-relay.ts";

const Nothing = z.strictObject({});

export function routeMethods(parts: WebhookMethodParts): readonly NamedMethod[] {
  return [
    [
      "webhooks.routes",
      {
        scope: "operator.read",
        async call(params): Promise<Routes> {
          Nothing.parse(params ?? {});
          const [stats, relays] = [await parts.store.webhookStats(), relaysOf(parts.tunnel())];
          const base = parts.door().url;
          const routes = parts.ingress().routes.map((route) => routeOf(route, base, stats, relays));
          return { routes };
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
            relays: [...relaysOf(parts.tunnel())].map(([relay, counts]) => {
              const { spooled, dead, oldestAt = null, refused } = counts;
              return { relay, spooled, dead, oldestAt, refused };
            }),
          };
        },
      },
    ],
  ];
}

/** What relays said last, unasked: nothing here wakes one. */
function relaysOf(tunnel: Tunnel | undefined): ReadonlyMap<string, RelayWebhooks> {
  return new Map(
    (tunnel?.relays ?? []).flatMap(({ name, stats }) => {
      const counts = relayWebhooks(stats);
      return counts === undefined ? [] : [[name, counts] as const];
    }),
  );
}

function routeOf(
  route: IngressRouteSettings,
  base: URL,
  stats: readonly WebhookStats[],
  relays: ReadonlyMap<string, RelayWebhooks>,
): Routes["routes"][number] {
  const { name, scheme, verifyAt, mode, cases } = route;
  const counted = stats.find((one) => one.route === name);
  const refusals = [...relays.values()].flatMap(({ refused }) => Object.entries(refused));
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
    refused: refusals
      .filter(([key]) => refusalOf(key).route === name)
      .reduce((sum, [, count]) => sum + count, 0),
  };
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

function recipientText(to: { readonly channel: string; readonly to: string } | undefined): string {
  return to === undefined ? "" : `, answered to ${to.channel} ${to.to}`;
}
