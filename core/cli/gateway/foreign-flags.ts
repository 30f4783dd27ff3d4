/** Flags of OpenClaw's gateway that mean nothing here: its scripts and services start as they are. */
import { GatewayError } from "../../../shared/errors.ts";

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

/** `--reset` is not among them: whoever says it expects that something is deleted. */
export const FOREIGN_OPTIONS = {
  tailscale: text,
  "tailscale-reset-on-exit": flag,
  "ws-log": text,
  compact: flag,
  dev: flag,
  "cli-backend-logs": flag,
  "claude-cli-logs": flag,
  "raw-stream": flag,
  "raw-stream-path": text,
  "ambient-channels": flag,
  "dev-ambient-channels": flag,
} as const;

type Given = { readonly [name in keyof typeof FOREIGN_OPTIONS]?: string | boolean | undefined };

/** What those of them may be that take a value. Source: `openclaw gateway run --help` */
const VALUES: ReadonlyMap<string, readonly string[]> = new Map([
  ["tailscale", ["off", "serve", "funnel"]],
  ["ws-log", ["auto", "full", "compact"]],
]);

/**
 * What is to be said of them. Pure.
 *
 * @throws GatewayError invalid_request for a value that none of them has.
 */
export function foreignWarnings(given: Given): string[] {
  for (const [name, values] of VALUES) {
    const value = Object.entries(given).find(([one]) => one === name)?.[1];
    if (value !== undefined && !values.includes(String(value))) {
      throw new GatewayError("invalid_request", `--${name} must be one of ${values.join(", ")}`);
    }
  }
  const { tailscale = "off", "tailscale-reset-on-exit": _reset, ...others } = given;
  const idle = Object.keys(FOREIGN_OPTIONS)
    .filter((name) => Object.entries(others).some(([one, value]) => one === name && isSaid(value)))
    .map((name) => `--${name}`);
  const said = idle.length === 0 ? [] : [`${idle.join(" and ")}: passed over, for want of a use`];
  if (tailscale === "off") return said;
  return [
    ...said,
    `--tailscale ${tailscale} is passed over: --bind tailnet serves the tailnet, an edge everybody`,
  ];
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== false;
}
