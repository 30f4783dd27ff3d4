/** What an acceptance run with the real OpenClaw is made of: its program, an edge of ours, certificates. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type * as z from "zod";
import { type Program, start } from "./processes.ts";

const VERSION = "2026.9.6";
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** 650 MB from a registry that may be far. */
const INSTALL_MS = 900_000;
/** A cold start takes 12 to 20 seconds on two cores. */
export const START_MS = 120_000;

const run = promisify(execFile);

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly ms: number;
}

/** A folder given in OPENCLAW_DIR is used again: it saves the download. */
export async function install(folder: string): Promise<{ program: string; installMs: number }> {
  const dir = process.env["OPENCLAW_DIR"] ?? join(folder, "package");
  const program = join(dir, "node_modules/openclaw/openclaw.mjs");
  if (existsSync(program)) return { program, installMs: 0 };
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "package.json"), '{"private":true}');
  const begunAt = performance.now();
  const args = ["install", `openclaw@${VERSION}`, "--no-audit", "--no-fund"];
  await run("npm", args, { cwd: dir, timeout: INSTALL_MS, maxBuffer: 64 * 1024 * 1024 });
  return { program, installMs: performance.now() - begunAt };
}

/** An edge of ours with TLS on `localhost`. */
export function startEdge(folder: string, url: URL, certificate: string): Program {
  const fixed = `serve --json --host 127.0.0.1 --port ${url.port} --url ${url.origin}`.split(" ");
  const args = [join(ROOT, "infra/edge/main.ts"), ...fixed, "--storage", join(folder, "edge")];
  args.push("--tls-cert", certificate, "--tls-key", join(folder, "key.pem"));
  return start(process.execPath, args, { env: homeOf(join(folder, "edge-home")), cwd: ROOT });
}

/** Runs the program once, with nothing of this machine's own settings. */
export async function cli(
  program: string,
  state: string,
  certificate: string,
  config: object,
  args: readonly string[],
): Promise<CliResult> {
  await writeConfig(state, config);
  const env = { ...homeOf(state), NODE_EXTRA_CA_CERTS: certificate };
  const begunAt = performance.now();
  const result = await run(process.execPath, [program, ...args], { env, timeout: START_MS }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout + stderr }),
    (error: { code?: number; stdout?: string; stderr?: string }) => ({
      code: error.code ?? -1,
      out: `${error.stdout ?? ""}${error.stderr ?? ""}`,
    }),
  );
  return { ...result, ms: performance.now() - begunAt };
}

/** A process that sees nothing of this machine's own settings. */
export function homeOf(state: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: state,
    OPENCLAW_STATE_DIR: state,
    OPENCLAW_CONFIG_PATH: join(state, "openclaw.json"),
  };
}

export async function writeConfig(state: string, config: object): Promise<void> {
  await mkdir(state, { recursive: true, mode: 0o700 });
  await writeFile(join(state, "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
}

/** For `localhost`, by an authority that is the certificate itself. */
export async function createCertificate(folder: string): Promise<string> {
  const [certificate, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
  const named = "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1";
  const files = ["-keyout", key, "-out", certificate];
  await run("openssl", [...made.split(" "), ...named.split(" "), ...files]);
  return certificate;
}

/** What a line of `--json` says once a program is ready. */
export function readyOf<T>(schema: z.ZodType<T>, line: string): T | undefined {
  if (!line.startsWith('{"event":"ready"')) return undefined;
  return schema.parse(JSON.parse(line));
}
