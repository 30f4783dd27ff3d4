import type { Environment } from "../paths.ts";

/** Variables by which a host says that the config is managed elsewhere. Source: OpenClaw 2026.9. */
const SWITCHES = ["OPENCLAW_CONFIG_READONLY", "OPENCLAW_NIX_MODE"] as const;

/**
 * Why the config may not be written; undefined: it may. Pure.
 *
 * @param env - Of the process itself: no file of variables, and no config, can switch this.
 */
export function whyReadOnly(env: Environment): string | undefined {
  const name = SWITCHES.find((one) => env[one] === "1");
  if (name === undefined) return undefined;
  return `the config is managed elsewhere (${name}=1) and is not written here: change it where it comes from`;
}
