/** The real core as a process: `sallyport gateway` with a home of its own. */
import { once } from "node:events";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { randomToken } from "../../../shared/bytes.ts";
import { Child } from "./child.ts";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export const CORE_MAIN = join(ROOT, "core/sallyport.mjs");

/** Wider than anything the load can reach: a limit is not what is measured. */
const RATE = { perSecond: 100_000, burst: 1_000_000 };

/** Where a core dials in, and what lets it. */
export interface EdgeDoor {
  readonly port: number;
  readonly pairing: string;
}

/** What a core starts with. */
export interface CoreHome {
  readonly token: string;
  readonly hooksToken: string;
  /** What GitHub signs with on the route `repository`. */
  readonly githubSecret: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Makes a fresh state folder with its configuration. All of them share one compile cache.
 *
 * @param model - Base URL of an OpenAI-compatible server; without it the built-in demo answers.
 */
export async function makeCoreHome(
  folder: string,
  { model, edge }: { readonly model?: string; readonly edge?: EdgeDoor | undefined } = {},
): Promise<CoreHome> {
  const home = await mkdtemp(join(folder, "core-"));
  const cache = join(folder, "cache");
  await mkdir(cache, { recursive: true });
  const token = randomToken();
  const hooksToken = randomToken();
  const githubSecret = randomToken();
  const provider = { baseUrl: model, apiKey: "a-key-of-nobody", models: [{ id: "instant" }] };
  const models = {
    agents: { defaults: { model: "bench/instant" } },
    models: { providers: { bench: provider } },
  };
  const config = {
    hooks: { enabled: true, token: hooksToken },
    sallyport: {
      limits: { rate: RATE },
      ingress: { routes: { repository: { verify: "github", secret: githubSecret, agent: true } } },
    },
    ...(model === undefined ? {} : models),
  };
  const configPath = join(home, "openclaw.json");
  await writeFile(configPath, JSON.stringify(config), { mode: 0o600 });
  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    XDG_CACHE_HOME: cache,
    OPENCLAW_STATE_DIR: join(home, "state"),
    OPENCLAW_CONFIG_PATH: configPath,
    OPENCLAW_GATEWAY_TOKEN: token,
    OPENCLAW_GATEWAY_PORT: "0",
  };
  if (edge !== undefined) {
    env["SALLYPORT_EDGE_URL"] = `http://127.0.0.1:${edge.port}`;
    env["SALLYPORT_EDGE_PAIRING"] = edge.pairing;
  }
  return { token, hooksToken, githubSecret, env };
}

const Ready = z.object({ event: z.literal("ready"), port: z.int() });
const Standby = z.object({ event: z.literal("standby") });

/** Starts the gateway and waits for its own word that it is ready. */
export async function launchCore(
  { env }: CoreHome,
  folder: string,
): Promise<{ readonly child: Child; readonly port: number }> {
  const command = [process.execPath, CORE_MAIN, "gateway", "--json"] as const;
  const child = new Child([...command], { folder, env, stdout: true });
  const line = await firstLine(child);
  return { child, port: Ready.parse(JSON.parse(line)).port };
}

/** A second gateway on the same state folder, which waits for the first to go. */
export async function launchStandby({ env }: CoreHome, folder: string): Promise<Child> {
  const command = [process.execPath, CORE_MAIN, "gateway", "--standby", "--json"] as const;
  const child = new Child([...command], { folder, env, stdout: true });
  Standby.parse(JSON.parse(await firstLine(child)));
  return child;
}

/** The first line on a child's stdout; the rest is read away. */
export async function firstLine(child: Child): Promise<string> {
  const { stdout } = child.process;
  if (stdout === null) throw new TypeError("its stdout is not ours to read");
  const lines = createInterface({ input: stdout });
  const [line]: unknown[] = await child.until(once(lines, "line"));
  return String(line);
}
