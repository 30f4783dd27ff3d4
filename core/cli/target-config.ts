/** Gateways that the config of this machine knows of. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { Secret } from "../../shared/secret.ts";
import { type ConfigError, configErrorText } from "../config/issues/error.ts";
import { resolvePaths } from "../config/paths.ts";
import type { Settings } from "../config/settings.ts";
import { type Io, ConfigFault, settingsOf } from "./command.ts";
import type { Credentials } from "./credentials.ts";
import { gatewayUrl } from "./target-url.ts";

interface Known extends Credentials {
  readonly url: string;
}

interface Configured extends Known {
  readonly source: "remote" | "local";
}

interface Wanted {
  /** Of this machine, and no other. */
  readonly port: number | undefined;
  /** Flags and variables. */
  readonly own: Credentials;
  /** For a look at whether a gateway listens. */
  readonly timeoutMs: number;
}

const DEFAULT_PORT = 18_789;
/** What a gateway that runs may have taken no notice of. A wrong variable or flag is a wrong question. */
const IN_THE_FILE: ReadonlySet<ConfigError["reason"]> = new Set([
  "unreadable",
  "too_large",
  "syntax",
  "invalid",
]);

/**
 * The gateway that the config names. A config that is refused is in nobody's way who only asks: a
 * gateway that runs goes on with the one before, and so does this, with a warning.
 *
 * @throws ConfigFault, GatewayError invalid_request
 */
export async function configuredTarget(io: Io, wanted: Wanted): Promise<Configured> {
  try {
    return await readTarget(io, wanted.port);
  } catch (error) {
    if (!(error instanceof ConfigFault) || !IN_THE_FILE.has(error.fault.reason)) throw error;
    const known = await earlierTarget(io, wanted);
    if (known === undefined || !(await mayAnswer(known, wanted.timeoutMs))) throw error;
    io.err(`warning: ${configErrorText(error.fault)}; ${known.url} is asked all the same`);
    return known;
  }
}

async function readTarget(io: Io, port: number | undefined): Promise<Configured> {
  const remote = port === undefined ? await remoteTarget(io) : undefined;
  if (remote !== undefined) return { ...remote, source: "remote" };
  return { ...localTarget(await settingsOf(io), port), source: "local" };
}

/** As the config said that was the last to be taken; without one, as a gateway runs that has none. */
async function earlierTarget(io: Io, wanted: Wanted): Promise<Configured | undefined> {
  const lastGood = `${resolvePaths(io).configPath}.last-good`;
  if (!(await isThere(lastGood))) return plainTarget(io, wanted);
  try {
    const env = { ...io.env, OPENCLAW_CONFIG_PATH: lastGood };
    return await readTarget({ ...io, env }, wanted.port);
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    return plainTarget(io, wanted);
  }
}

async function plainTarget(io: Io, { port, own }: Wanted): Promise<Configured | undefined> {
  const named = Number(io.env["OPENCLAW_GATEWAY_PORT"] ?? "");
  const url = `http://127.0.0.1:${port ?? (named > 0 ? named : DEFAULT_PORT)}`;
  if (own.token !== undefined || own.password !== undefined)
    return { url, ...own, source: "local" };
  const { readSmallFile } = await import("../config/file/files.ts");
  const made = await readSmallFile(join(resolvePaths(io).stateDir, "credentials", "gateway-token"));
  if (!made.ok || made.value === undefined) return undefined;
  return { url, token: new Secret(made.value.trim()), source: "local" };
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function mayAnswer({ source, url }: Configured, timeoutMs: number): Promise<boolean> {
  if (source === "remote") return true;
  const { isListening } = await import("./listening.ts");
  return isListening(url, timeoutMs);
}

/**
 * The gateway that this machine is a client of: `gateway.mode` is `remote`.
 *
 * @throws ConfigFault, GatewayError invalid_request
 */
export async function remoteTarget(io: Io): Promise<Known | undefined> {
  const { loadConfig } = await import("../config/file/load.ts");
  const { env, cwd, home } = io;
  const loaded = await loadConfig({ env, cwd, home });
  if (!loaded.ok) throw new ConfigFault(loaded.error);
  const { mode, remote } = loaded.value.config.gateway;
  if (mode !== "remote" || remote?.url === undefined) return undefined;
  const { url, token, password } = remote;
  return { url: gatewayUrl(url, "gateway.remote.url"), token, password };
}

/** The gateway that runs here, or would. */
export function localTarget({ gateway }: Settings, port = gateway.port): Known {
  return { url: `http://127.0.0.1:${port}`, token: gateway.token.secret };
}
