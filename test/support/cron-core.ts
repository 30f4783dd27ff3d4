import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Secret } from "../../shared/secret.ts";
import { type GatewayLine, openGateway } from "../../core/cli/client.ts";
import { WARM } from "./warm.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));
const TOKEN = "cron-test-token-0123456789abcdef";

/** A core without an edge, as a process of its own, and its state over several lives. */
export interface CronCore extends AsyncDisposable {
  readonly dir: string;
  /** Begins a process, and resolves when it leads. @returns Its address. */
  start(): Promise<string>;
  /** Begins one that stands by for the one that leads. @returns Its address. */
  standBy(): Promise<string>;
  /** SIGKILL of the one that was begun first and still lives; resolves when it is gone. */
  kill(): Promise<void>;
  /** A connection to the gateway at `url`. */
  line(url: string): Promise<GatewayLine>;
}

export async function cronCore(config: object): Promise<CronCore> {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-cron-"));
  const file = { gateway: { auth: { token: TOKEN } }, ...config };
  await writeFile(join(dir, "openclaw.json"), JSON.stringify(file), { mode: 0o600 });
  const alive: ChildProcess[] = [];

  async function begin(...args: string[]): Promise<string> {
    const child = spawn(process.execPath, [MAIN, "gateway", "--json", ...args], {
      env: {
        ...WARM,
        PATH: process.env["PATH"] ?? "",
        HOME: dir,
        OPENCLAW_STATE_DIR: dir,
        OPENCLAW_GATEWAY_PORT: "0",
      },
      cwd: dir,
      stdio: ["ignore", "pipe", "pipe"],
    });
    alive.push(child);
    const log: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([once(lines, "line"), once(child, "exit").then(() => [])]);
    if (first.length === 0) throw new Error(`the core ended: ${log.slice(-12).join("\n")}`);
    const ready: unknown = JSON.parse(String(first[0]));
    return String(Reflect.get(Object(ready), "url"));
  }

  return {
    dir,
    start: () => begin(),
    standBy: () => begin("--standby"),
    kill: () => kill(alive.shift()),
    async line(url) {
      const line = await openGateway({ url, token: new Secret(TOKEN), timeoutMs: 10_000 });
      if (line === undefined) throw new Error(`nobody listens at ${url}`);
      return line;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(alive.map(kill));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function kill(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
