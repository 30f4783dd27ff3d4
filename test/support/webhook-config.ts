import { configErrorText } from "../../core/config/issues/error.ts";
import { type Ingress, ingressOf } from "../../core/config/ingress/ingress-settings.ts";
import type { IngressRouteSettings } from "../../core/config/ingress/ingress.ts";
import { interpret } from "../../core/config/file/interpret.ts";
import { maxBodyBytesOf } from "../../shared/ingress/registry.ts";

const FILE = "openclaw.json";
const TELEGRAM = { telegram: { botToken: "1:abc" } };
type Environment = Readonly<Record<string, string>>;

/** A config with these webhooks, and a channel to tell people by. */
export function webhookConfig(
  routes: object,
  more: { alerts?: unknown; top?: object } = {},
): string {
  const ingress = { routes, ...(more.alerts === undefined ? {} : { alerts: more.alerts }) };
  return JSON.stringify({ channels: TELEGRAM, ...more.top, sallyport: { ingress } });
}

/** The refusal as people see it, from the routes down. */
export function refusal(text: string, environment: Environment = {}): string {
  const result = interpret(text, FILE, environment);
  if (result.ok) return "accepted";
  return configErrorText(result.error).replace(/^openclaw\.json: (?:sallyport\.ingress\.)?/, "");
}

/** What is made of the webhooks of a config. */
export function webhooksIn(text: string, environment: Environment = {}): Ingress {
  const result = interpret(text, FILE, environment);
  if (!result.ok) throw new Error(configErrorText(result.error));
  const { config, warnings } = result.value;
  const made = ingressOf(config, config.hooks.token, maxBodyBytesOf);
  return { ...made, warnings: [...warnings, ...made.warnings] };
}

/** The one route there is. */
export function onlyRoute(routes: object, environment: Environment = {}): IngressRouteSettings {
  const [route] = webhooksIn(webhookConfig(routes), environment).ingress.routes;
  if (route === undefined) throw new Error("There is no route");
  return route;
}
