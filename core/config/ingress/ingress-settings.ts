import type { Secret } from "../../../shared/secret.ts";
import { hookRoutes } from "./hook-routes.ts";
import type { AlertRule, IngressRouteSettings, IngressSettings } from "./ingress.ts";
import { ingressRoute, readsAnswers, type SizeOf } from "./ingress-route.ts";
import { pathText } from "../issues/path-text.ts";
import type { Config } from "../schema.ts";
import type { Alert } from "../sections/ingress/alert.ts";
import { verificationOf } from "./verification.ts";

export interface Ingress {
  readonly ingress: IngressSettings;
  /** For `sallyport connect`: those that `sallyport.upstream.webhooks` names; they have no cases. */
  readonly upstreamRoutes: readonly IngressRouteSettings[];
  readonly warnings: readonly string[];
}

/**
 * All that is said of webhooks, made one. Pure.
 *
 * @param hooksToken - Undefined: OpenClaw's own webhooks are off.
 */
export function ingressOf(config: Config, hooksToken: Secret | undefined, sizeOf: SizeOf): Ingress {
  const { hooks, sallyport } = config;
  const { log, alerts, senders } = sallyport.ingress;
  const warnings: string[] = [];
  const own = Object.entries(sallyport.ingress.routes).flatMap(([name, route]) => {
    const at = pathText(["sallyport", "ingress", "routes", name]);
    if (!verificationOf(route).ok) {
      warnings.push(`${at} is off: without that there is nothing to check its sender by`);
      return [];
    }
    if (route.mode === "sync" && !readsAnswers(route.verify.scheme)) {
      warnings.push(`${at}.mode: ${route.verify.scheme} waits in vain, it reads no answer`);
    }
    if (route.verify.scheme === "meta" && !route.verify.verifyTokens?.length) {
      warnings.push(
        `${at}.verify.verifyTokens is needed before Meta can register the address: the text you type in beside it`,
      );
    }
    return [ingressRoute(name, route, sizeOf)];
  });
  const byHooks =
    hooksToken === undefined ? { routes: [], warnings: [] } : hookRoutes(hooks, hooksToken);
  const named = new Set(sallyport.upstream.webhooks);
  return {
    ingress: {
      path: hooks.path,
      routes: [...byHooks.routes, ...own.filter(({ cases }) => cases.length > 0)],
      log,
      alerts: alerts.map(alertRule),
      senders: {
        slackOrigins: senders.slack.origins.map((text) => new URL(text).origin),
        discordApi: senders.discord.apiRoot.replace(/\/+$/, ""),
      },
    },
    upstreamRoutes: own.filter(({ name }) => named.has(name)).map((one) => ({ ...one, cases: [] })),
    warnings: [...warnings, ...byHooks.warnings],
  };
}

function alertRule(alert: Alert): AlertRule {
  const { to } = alert;
  switch (alert.when) {
    case "source_silent":
      return { when: alert.when, route: alert.route, afterMs: alert.after, to };
    case "signature_failures": {
      const { route, count, within } = alert;
      return { when: alert.when, route, count, withinMs: within, to };
    }
    case "dead_letters":
      return { when: alert.when, to };
    case "core_unreachable":
      return { when: alert.when, afterMs: alert.after, to };
  }
}
