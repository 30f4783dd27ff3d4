/** What a service manager is told of the gateway, whichever it is. Pure. */
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { resolvePaths, type Surroundings } from "../config/paths.ts";

/** What a gateway needs besides what is under way: it may have been about to begin anew. */
const STOP_MARGIN_SEC = 15;

const Path = z.string().regex(/^\//, "is not absolute");

/** All that a unit or a plist is written from; it is kept in there, to be compared with later. */
export const Definition = z.object({
  /** Absolute paths of the Node that runs us, and of `core/sallyport.mjs`. */
  node: Path,
  entry: Path,
  /** Of the command line, after the entry. */
  args: z.array(z.string()),
  /** Where things are, and nothing secret. */
  variables: z.record(z.string(), z.string()),
  /** Variables that people keep for the service; may be missing. */
  envFile: Path,
  stateDir: Path,
  /** How long a stop may take, seconds. */
  stopSec: z.int().min(1),
  /** Whether the service manager hears that the gateway is ready. */
  notify: z.boolean(),
  /** Who a system service runs as; null: a service of the user it is installed by. */
  user: z.string().nullable(),
});
export type Definition = z.output<typeof Definition>;

/** Paths: written absolute, whatever folder they were given in. */
const PATHS = {
  OPENCLAW_HOME: "home",
  OPENCLAW_STATE_DIR: "stateDir",
  OPENCLAW_CONFIG_PATH: "configPath",
} as const;

/** Say where things are and how they are reached; none of them is a credential. */
const CARRIED = [
  "OPENCLAW_WORKSPACE_DIR",
  "OPENCLAW_INCLUDE_ROOTS",
  "OPENCLAW_CONFIG_READONLY",
  "OPENCLAW_NIX_MODE",
  "OPENCLAW_LOAD_SHELL_ENV",
  "OPENCLAW_GATEWAY_PORT",
  "OPENCLAW_GATEWAY_BIND",
  "NODE_EXTRA_CA_CERTS",
  "TZ",
] as const;

/** Variables of this shell that a service is to have as well. */
export function carriedVariables(surroundings: Surroundings): Record<string, string> {
  const { env } = surroundings;
  const paths = resolvePaths(surroundings);
  const isSet = (name: string): boolean => (env[name] ?? "").trim() !== "";
  return {
    ...Object.fromEntries(
      Object.entries(PATHS).flatMap(([name, key]) => (isSet(name) ? [[name, paths[key]]] : [])),
    ),
    ...Object.fromEntries(
      CARRIED.flatMap((name) => (isSet(name) ? [[name, env[name] ?? ""]] : [])),
    ),
  };
}

/** @param drainMs - How long the gateway is given for what is under way. */
export function stopSecFor(drainMs: number): number {
  return Math.ceil(drainMs / 1_000) + STOP_MARGIN_SEC;
}

/** Where programs are looked for: not in folders that only a shell knows. */
export function searchPath(node: string): string {
  const own = node.slice(0, node.lastIndexOf("/")) || "/";
  const usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  return [own, ...usual.filter((folder) => folder !== own)].join(":");
}

/**
 * @throws GatewayError invalid_request for a text that a line of a file cannot hold: it would begin
 *   another one.
 */
export function checkLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the control characters are the point
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text)) throw unfit(text);
  return text;
}

export function unfit(text: string): GatewayError {
  const shown = JSON.stringify(text.slice(0, 100));
  return new GatewayError(
    "invalid_request",
    `${shown} has characters that no service can be given`,
  );
}
