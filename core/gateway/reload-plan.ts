/** What a change of the config does to what runs. Pure. */
import type { Settings } from "../config/settings.ts";

type Effect = "now" | "restart";

/** The longest beginning of a path decides; what is in no line needs a restart. */
export type Effects = ReadonlyMap<string, Effect>;

/** For a gateway. */
export const GATEWAY_EFFECTS: Effects = new Map([
  ["hooks", "now"],
  // The port has it in its table of paths.
  ["hooks.path", "restart"],
  ["gateway.reload", "now"],
  ["logging.level", "now"],
  ["sallyport.ingress", "now"],
  ["sallyport.limits.rate", "now"],
]);

/** For the edge in front of another gateway. */
export const CONNECTOR_EFFECTS: Effects = new Map([
  ["gateway.reload", "now"],
  ["logging.level", "now"],
  ["sallyport.ingress", "now"],
  ["sallyport.limits.rate", "now"],
  ["sallyport.upstream.webhooks", "now"],
]);

export interface ReloadPlan {
  readonly now: readonly string[];
  readonly restart: readonly string[];
}

/** Sorts changed paths by what they do. */
export function planOf(paths: readonly string[], effects: Effects): ReloadPlan {
  return {
    now: paths.filter((path) => effectOf(path, effects) === "now"),
    restart: paths.filter((path) => effectOf(path, effects) === "restart"),
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

/** The settings that run, with those of the file that may take effect at once. */
export function mergeSettings(running: Settings, file: Settings): Settings {
  const { config } = file;
  const { gateway, sallyport } = running.config;
  const { rate } = config.sallyport.limits;
  return {
    ...running,
    config: {
      ...running.config,
      hooks: { ...config.hooks, path: running.config.hooks.path },
      logging: config.logging,
      gateway: { ...gateway, reload: config.gateway.reload },
      sallyport: {
        ...sallyport,
        ingress: config.sallyport.ingress,
        limits: { ...sallyport.limits, rate },
      },
    },
    hooks: file.hooks && { ...file.hooks, path: running.config.hooks.path },
    ingress: { ...file.ingress, path: running.ingress.path },
    limits: { ...running.limits, rate },
    logLevel: file.logLevel,
    warnings: file.warnings,
  };
}
