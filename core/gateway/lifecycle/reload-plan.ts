/**
 * What a change of the config does to what runs. Pure.
 *
 * `none`: nobody has to know. `live`: whoever needs it reads the settings each time. `restart`: the
 * gateway is built anew within its process, which keeps its port and the clients of the edge.
 * `process`: only a new process can do it. The others are live, and name who is told.
 */
export type Effect =
  | "none"
  | "live"
  | "auth"
  | "channels"
  | "cron"
  | "heartbeat"
  | "restart"
  | "process";

/** The longest beginning of a path decides; what is in no line needs a restart. */
export type Effects = ReadonlyMap<string, Effect>;

/** Read each time they are needed. */
const LIVE = `agents audio bindings broadcast commands env hooks identity messages models routing secrets
  session skills talk tools ui logging sallyport.ingress sallyport.limits.rate
  sallyport.limits.drainTimeoutMs sallyport.legacy
  gateway.auth.rateLimit gateway.trustedProxies gateway.allowRealIpFallback gateway.controlUi
  gateway.nodes gateway.publicOrigin gateway.http gateway.tools`;

/** For a gateway. Source: the contract of OpenClaw's config, "hot reload". */
export const GATEWAY_EFFECTS: Effects = new Map<string, Effect>([
  ...LIVE.split(/\s+/).map((path) => [path, "live"] as const),
  ["meta", "none"],
  ["wizard", "none"],
  ["gateway.remote", "none"],
  ["gateway.reload", "none"],
  // The connector's, which is another program.
  ["sallyport.upstream", "none"],
  ["agents.defaults.heartbeat", "heartbeat"],
  ["channels", "channels"],
  ["cron", "cron"],
  ["gateway.controlUi.basePath", "restart"],
  ["gateway.auth.token", "auth"],
  ["gateway.auth.password", "auth"],
  // The port has it in its table of paths.
  ["hooks.path", "restart"],
  // Opened before there is a gateway.
  ["logging.file", "process"],
  ["logging.maxFileBytes", "process"],
  // Which of several cores leads is settled when they start.
  ["sallyport.core", "process"],
]);

/** For the edge in front of another gateway, which has no restart of its own. */
export const CONNECTOR_EFFECTS: Effects = new Map<string, Effect>([
  ["gateway.reload", "none"],
  ["logging.level", "live"],
  ["sallyport.ingress", "live"],
  ["sallyport.limits.rate", "live"],
  ["sallyport.limits.drainTimeoutMs", "live"],
  ["sallyport.upstream.webhooks", "live"],
]);

export interface ReloadPlan {
  /** What can be taken over by what runs. */
  readonly now: readonly string[];
  readonly restart: readonly string[];
  readonly process: readonly string[];
  /** Of all paths. */
  readonly effects: ReadonlySet<Effect>;
}

/** Sorts changed paths by what they do. */
export function planOf(paths: readonly string[], effects: Effects): ReloadPlan {
  const found = new Map(paths.map((path) => [path, effectOf(path, effects)]));
  const having = (...wanted: readonly Effect[]): string[] =>
    paths.filter((path) => wanted.some((effect) => found.get(path) === effect));
  return {
    now: having("none", "live", "auth", "channels", "cron", "heartbeat"),
    restart: having("restart"),
    process: having("process"),
    effects: new Set(found.values()),
  };
}

function effectOf(path: string, effects: Effects): Effect {
  const parts = path.split(".");
  for (let length = parts.length; length > 0; length -= 1) {
    const effect = effects.get(parts.slice(0, length).join("."));
    if (effect !== undefined) return effect;
  }
  return "restart";
}
