import type { Issue } from "./error.ts";
import { ingressIssues } from "../ingress/ingress-rules.ts";
import type { Environment } from "../paths.ts";
import type { Config } from "../schema.ts";

/**
 * What no setting can say of itself alone. Pure.
 *
 * @param unavailable - Dotted paths of credentials that refer to a variable which is not set: what
 *   needs them is off, with a warning, and no reason to refuse the rest.
 */
export function brokenRules(
  config: Config,
  environment: Environment,
  unavailable: ReadonlySet<string>,
): Issue[] {
  return [
    ...hooksIssues(config, unavailable),
    ...edgeIssues(config, unavailable),
    ...telegramIssues(config, environment, unavailable),
    ...ingressIssues(config, unavailable),
  ];
}

function hooksIssues({ hooks }: Config, unavailable: ReadonlySet<string>): Issue[] {
  if (!hooks.enabled || hooks.token !== undefined || unavailable.has("hooks.token")) return [];
  return [{ path: "hooks.token", message: "is needed when hooks.enabled is true" }];
}

function edgeIssues({ sallyport }: Config, unavailable: ReadonlySet<string>): Issue[] {
  const path = "sallyport.edge.access.clientSecret";
  const access = sallyport.edge?.access;
  if (access === undefined || access.clientSecret !== undefined || unavailable.has(path)) return [];
  return [{ path, message: "is needed beside clientId" }];
}

function telegramIssues(
  { channels: { telegram } }: Config,
  environment: Environment,
  unavailable: ReadonlySet<string>,
): Issue[] {
  const issues: Issue[] = [];
  if (telegram?.enabled !== true) return issues;
  const hasToken =
    telegram.botToken !== undefined || environment["TELEGRAM_BOT_TOKEN"] !== undefined;
  if (!hasToken && !unavailable.has("channels.telegram.botToken")) {
    issues.push({
      path: "channels.telegram.botToken",
      message: "is needed, or the variable TELEGRAM_BOT_TOKEN, or enabled: false",
    });
  }
  if (telegram.dmPolicy === "allowlist" && telegram.allowFrom.length === 0) {
    issues.push({
      path: "channels.telegram.allowFrom",
      message: 'must name somebody when dmPolicy is "allowlist"',
    });
  }
  return issues;
}
