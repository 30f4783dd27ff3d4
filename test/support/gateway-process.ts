import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { connectReference, type ReferenceClient } from "./reference-client.ts";
import { WARM } from "./warm.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));
const Ready = z.object({ url: z.string() });

/** What the gateway told a client unasked. */
export interface Heard {
  readonly event: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface GatewayProcess extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** The published client; what it hears goes to `heard`. */
  connect(heard?: Heard[]): Promise<ReferenceClient>;
  /** SIGKILL, and another process with the same state. */
  killAndRestart(): Promise<void>;
  /** A command of ours against it. */
  run(...args: string[]): Promise<{ code: number; out: string; err: string }>;
}

/** The real gateway in a process of its own, without an edge. */
export async function startGatewayProcess(env: Record<string, string>): Promise<GatewayProcess> {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-gateway-"));
  const token = randomToken();
  const file = { gateway: { mode: "local", auth: { token } } };
  await writeFile(join(dir, "openclaw.json"), JSON.stringify(file), { mode: 0o600 });
  const own = {
    PATH: process.env["PATH"] ?? "",
    ...WARM,
    HOME: dir,
    OPENCLAW_STATE_DIR: dir,
    OPENCLAW_GATEWAY_PORT: "0",
    ...env,
  };
  let running = await launch();

  async function launch() {
    const child = spawn(process.execPath, [MAIN, "gateway", "--json"], {
      env: own,
      cwd: dir,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const log: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
    const exited = once(child, "exit");
    const first = await Promise.race([
      once(createInterface({ input: child.stdout }), "line"),
      exited.then(() => undefined),
    ]);
    if (first === undefined) throw new Error(`the gateway ended: ${log.join("\n")}`);
    const { url } = Ready.parse(JSON.parse(String(first[0])));
    const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
      child.kill(signal);
      await exited;
    };
    return { url, end };
  }

  return {
    get url() {
      return running.url;
    },
    token,
    connect: (heard = []) =>
      connectReference({
        url: running.url.replace("http", "ws"),
        token,
        onEvent({ event, payload }) {
          heard.push({ event, payload: z.looseObject({}).catch({}).parse(payload) });
        },
      }),
    async killAndRestart() {
      await running.end("SIGKILL");
      running = await launch();
    },
    async run(...args) {
      const flags = ["--url", running.url, "--token", token];
      const child = spawn(process.execPath, [MAIN, ...args, ...flags], { env: own, cwd: dir });
      const [out, err, [code]] = await Promise.all([
        Array.fromAsync(child.stdout.setEncoding("utf8")),
        Array.fromAsync(child.stderr.setEncoding("utf8")),
        once(child, "exit"),
      ]);
      return { code: Number(code), out: out.join(""), err: err.join("") };
    },
    async [Symbol.asyncDispose]() {
      await running.end("SIGTERM");
      await rm(dir, { recursive: true });
    },
  };
}
