import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import type { RunningEdge } from "./edge.ts";
import { WARM } from "./warm.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));
/** So long a core may take to be served by its edge, on a machine that has other work too. */
const CONNECT_MS = 40_000;
const Ready = z.object({ url: z.string(), pid: z.number() });

export interface CoreHome extends AsyncDisposable {
  readonly token: string;
  readonly hooksToken: string;
  readonly dir: string;
  readonly env: Record<string, string>;
}

export interface CoreProcess {
  readonly pid: number;
  /** Of its own port. */
  readonly url: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>;
  /** What it logged, line by line. */
  readonly log: readonly string[];
}

/**
 * An empty home with a config of ours.
 *
 * @param config - Merged over a token and a hook token.
 * @param env - Of the core, beside PATH.
 */
export async function createHome(
  edge: Pick<RunningEdge, "url">,
  pairing: string,
  config: object = {},
  env: Record<string, string> = {},
): Promise<CoreHome> {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-core-"));
  const token = randomToken();
  const hooksToken = randomToken();
  const file = {
    hooks: { enabled: true, token: hooksToken },
    ...config,
    gateway: { auth: { token }, ...Object(Object(config).gateway) },
  };
  await writeFile(join(dir, "openclaw.json"), JSON.stringify(file), { mode: 0o600 });
  return {
    token,
    hooksToken,
    dir,
    env: {
      ...WARM,
      PATH: process.env["PATH"] ?? "",
      HOME: dir,
      OPENCLAW_STATE_DIR: dir,
      OPENCLAW_GATEWAY_PORT: "0",
      SALLYPORT_EDGE_URL: edge.url.origin,
      SALLYPORT_EDGE_PAIRING: pairing,
      ...env,
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, maxRetries: 5 }),
  };
}

/**
 * The real core as people run it: a process of its own. Resolves when it is ready and the edge
 * answers through it, or through the one that it stands by for.
 */
export async function startCore(
  home: CoreHome,
  edge: Pick<RunningEdge, "url">,
  args: readonly string[] = [],
): Promise<CoreProcess> {
  const child = spawn(process.execPath, [MAIN, "gateway", "--json", ...args], {
    env: home.env,
    cwd: home.dir,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  // With all that it has said: the exit alone may come before its last lines.
  const exited = once(child, "close");
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, "line"), exited.then(() => undefined)]);
  if (first === undefined) throw new Error(`the core ended: ${log.at(-1) ?? ""}`);
  const { url, pid } = Ready.parse(JSON.parse(String(first[0])));
  await connected(home, edge, log);
  const signal = async (name: "SIGKILL" | "SIGTERM"): Promise<number | null> => {
    child.kill(name);
    await exited;
    return child.exitCode;
  };
  return {
    pid,
    url,
    log,
    kill: async () => void (await signal("SIGKILL")),
    stop: () => signal("SIGTERM"),
  };
}

/** The edge lets a caller with the token through: then it has the core's bundle, too. */
async function connected(
  { token }: CoreHome,
  edge: Pick<RunningEdge, "url">,
  log: readonly string[],
): Promise<void> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < CONNECT_MS) {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch(new URL("/v1/models", edge.url), { headers });
    await response.arrayBuffer();
    if (response.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the core did not reach its edge: ${log.slice(-3).join("\n")}`);
}
