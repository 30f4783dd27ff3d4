/** What no setting of a webhook can say of itself alone. Pure. */
import type { Issue } from "../issues/error.ts";
import { leavesWay } from "./ingress-route.ts";
import { pathText } from "../issues/path-text.ts";
import type { Config } from "../schema.ts";
import type { Alert } from "../sections/ingress/alert.ts";
import type { Route } from "../sections/ingress/route.ts";
import { nearest } from "../issues/suggest.ts";
import { isPublicScheme, verificationOf } from "./verification.ts";

/** Platforms with a channel of ours, which is called on a route of its name. */
const CHANNELS = ["telegram"] as const;
/** Names of OpenClaw's own webhooks. */
const HOOKS = ["agent", "wake"] as const;
const ROUTES = ["sallyport", "ingress", "routes"] as const;

/** @param unavailable - Dotted paths of credentials whose variable is not set. */
export function ingressIssues(config: Config, unavailable: ReadonlySet<string>): Issue[] {
  const { routes, alerts } = config.sallyport.ingress;
  return [
    ...Object.entries(routes).flatMap(([name, route]) =>
      routeIssues({ name, route, config, unavailable }).map(({ path, message }) => ({
        path: `${pathText([...ROUTES, name])}${path === "" ? "" : `.${path}`}`,
        message,
      })),
    ),
    ...alerts.flatMap((alert, index) => alertIssues(alert, index, config)),
    ...mappingIssues(config),
  ];
}

interface RouteContext {
  readonly name: string;
  readonly route: Route;
  readonly config: Config;
  readonly unavailable: ReadonlySet<string>;
}

/** Paths are from the route down. */
function routeIssues(context: RouteContext): Issue[] {
  const { name, route, config, unavailable } = context;
  const verification = verificationOf(route);
  const prefix = [...ROUTES, name, ""].join(".");
  const waits = [...unavailable].some((path) => path.startsWith(prefix));
  return [
    ...nameIssues(name, config),
    ...(verification.ok || waits ? [] : verification.error),
    ...placeIssues(context),
    ...targetIssues(route, "", isUpstream(name, config)),
    ...(route.cases ?? []).flatMap((one, index) => targetIssues(one, `cases[${index}]`, false)),
    ...[route, ...(route.cases ?? [])].flatMap((one, index) =>
      channelsOf(one).flatMap(({ channel, path }) =>
        channelIssues(channel, index === 0 ? path : `cases[${index - 1}].${path}`, config),
      ),
    ),
    ...[route, ...(route.cases ?? [])].flatMap((one, index) =>
      senderIssues(one, route, index === 0 ? "" : `cases[${index - 1}].`),
    ),
  ];
}

function nameIssues(name: string, { channels }: Config): Issue[] {
  const hook = HOOKS.find((one) => one === name);
  if (hook !== undefined) {
    return [{ path: "", message: `is the name of hooks' own /hooks/${hook}: choose another` }];
  }
  const channel = CHANNELS.find((one) => one === name);
  if (channel === undefined) return [];
  const remedy =
    channels[channel] === undefined
      ? `set channels.${channel}, or choose another name`
      : "choose another";
  return [{ path: "", message: `is the route of the channel ${channel}: ${remedy}` }];
}

function placeIssues({ name, route, config }: RouteContext): Issue[] {
  const { verifyAt, verify, mode, sync } = route;
  const issues: Issue[] = [];
  if (verifyAt === "core" && isPublicScheme(verify.scheme)) {
    const message = `must be "edge": to check ${verify.scheme} the edge needs no secret`;
    issues.push({ path: "verifyAt", message });
  }
  if (verifyAt === "core" && isUpstream(name, config)) {
    const message = 'must be "edge" for what sallyport.upstream.webhooks names';
    issues.push({ path: "verifyAt", message });
  }
  if (verifyAt === "core" && mode === "sync") {
    issues.push({ path: "mode", message: 'must not be "sync" with verifyAt "core"' });
  }
  if (sync !== undefined && mode !== "sync") {
    issues.push({ path: "sync", message: 'is for mode "sync" only: set mode too' });
  }
  return issues;
}

type Targets = Pick<Route, "agent" | "wake" | "channel" | "forward"> & {
  readonly cases?: Route["cases"];
};

function targetIssues(targets: Targets, path: string, mayBeNone: boolean): Issue[] {
  const { agent, wake, channel, forward, cases } = targets;
  const given = [agent, wake, channel, forward, cases].filter((one) => one !== undefined);
  if (given.length === 1 || (mayBeNone && given.length === 0)) return [];
  const names =
    path === "" ? "agent, wake, channel, forward or cases" : "agent, wake, channel or forward";
  return [{ path, message: `needs exactly one of ${names}; it has ${given.length}` }];
}

function channelsOf({ agent, wake, channel }: Targets): { channel: string; path: string }[] {
  return [
    ...(typeof agent?.deliver === "object"
      ? [{ channel: agent.deliver.channel, path: "agent.deliver.channel" }]
      : []),
    ...(typeof wake?.deliver === "object"
      ? [{ channel: wake.deliver.channel, path: "wake.deliver.channel" }]
      : []),
    ...(channel === undefined ? [] : [{ channel, path: "channel" }]),
  ];
}

function senderIssues({ agent, wake }: Targets, { verify }: Route, at: string): Issue[] {
  if (leavesWay(verify.scheme)) return [];
  const message = `cannot be "sender": webhooks of ${verify.scheme} leave no way to answer later; name a channel`;
  return Object.entries({ agent, wake }).flatMap(([name, target]) =>
    target?.deliver === "sender" ? [{ path: `${at}${name}.deliver`, message }] : [],
  );
}

function channelIssues(name: string, path: string, { channels }: Config): Issue[] {
  const known = CHANNELS.find((one) => one === name);
  if (known === undefined) {
    const meant = nearest(name, CHANNELS);
    const hint =
      meant === undefined ? `there is ${CHANNELS.join(", ")}` : `did you mean "${meant}"?`;
    return [{ path, message: `is not a channel; ${hint}` }];
  }
  return channels[known] === undefined
    ? [{ path, message: `is a channel that is not set up: add channels.${known}` }]
    : [];
}

function alertIssues(alert: Alert, index: number, config: Config): Issue[] {
  const at = `sallyport.ingress.alerts[${index}]`;
  const { alerts, routes } = config.sallyport.ingress;
  const issues = channelIssues(alert.to.channel, `${at}.to.channel`, config);
  if (alert.when === "core_unreachable") {
    const first = alerts.findIndex(({ when }) => when === "core_unreachable");
    if (first === index) return issues;
    const message = `is there already, at [${first}]: the edge tells one conversation`;
    return [...issues, { path: at, message }];
  }
  const names = [...Object.keys(routes), ...mappedNames(config), ...CHANNELS, ...HOOKS];
  const route = alert.when === "dead_letters" ? undefined : alert.route;
  if (route === undefined || names.includes(route)) return issues;
  const meant = nearest(route, names);
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  return [...issues, { path: `${at}.route`, message: `names no webhook${hint}` }];
}

function mappedNames({ hooks }: Config): string[] {
  const own = hooks.mappings.map(({ match }) => (match?.path ?? "").replace(/^\/+|\/+$/g, ""));
  return [...own, ...hooks.presets];
}

function mappingIssues(config: Config): Issue[] {
  const { routes } = config.sallyport.ingress;
  if (!config.hooks.enabled) return [];
  return mappedNames(config)
    .filter((name) => Object.hasOwn(routes, name))
    .map((name) => ({
      path: pathText([...ROUTES, name]),
      message: "is the path of a mapping in hooks as well: choose another name for one of them",
    }));
}

function isUpstream(name: string, { sallyport }: Config): boolean {
  return sallyport.upstream.webhooks.includes(name);
}
