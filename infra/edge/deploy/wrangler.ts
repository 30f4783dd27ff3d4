import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { eachLine } from "../../process/child.ts";
import type { Environment } from "../../process/place.ts";
import { type Outcome, parseOutcome } from "./outcome.ts";

/** Wrangler's environment: what it reads itself, and no key of a model. */
const PASSED_ON =
  /^(?:CLOUDFLARE_|CF_|WRANGLER_|XDG_|LC_|npm_config_|NPM_CONFIG_)|^(?:HOME|PATH|LANG|USER|TERM|TMPDIR|CI|NO_COLOR|SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS)$|^(?:HTTPS?|NO|ALL)_PROXY$/i;

/** Of what it says, for a message when it fails; never without bound. */
const MAX_TAIL_CHARS = 4_000;

// oxlint-disable-next-line no-control-regex -- what colours a terminal is what is removed
const COLOUR = /\u001b\[[\d;]*m/g;

export interface WranglerRun {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Environment;
  /** True lets it ask the person at the terminal. */
  readonly interactive: boolean;
  /** One line it wrote; nothing when interactive, or when its output is the result. */
  readonly onLine: (line: string) => void;
  /** Aborts when we are asked to end. */
  readonly signal: AbortSignal;
  /** True collects what it writes to stdout instead of showing it. */
  readonly collect?: boolean;
}

export interface WranglerResult extends Outcome {
  readonly code: number;
  /** What it wrote to stdout, if that was to be collected. */
  readonly stdout: string;
  /** The last of what it said. */
  readonly tail: string;
}

/** Runs the real wrangler, on the Node that runs us. Rejects only when it is not installed. */
export async function runWrangler(run: WranglerRun): Promise<WranglerResult> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-deploy-"));
  const report = join(folder, "report.ndjson");
  try {
    const { code, stdout, tail } = await execute(run, report);
    const outcome = parseOutcome(await readFile(report, "utf8").catch(() => ""));
    return { ...outcome, code, stdout, tail };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function execute(run: WranglerRun, report: string) {
  const { args, cwd, interactive, collect = false, onLine, signal } = run;
  const child = spawn(process.execPath, [wranglerProgram(), ...args], {
    cwd,
    env: wranglerEnv(run.env, report),
    stdio: interactive ? "inherit" : ["ignore", "pipe", "pipe"],
    signal,
    killSignal: "SIGTERM",
  });
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", (code) => resolve(code ?? 1));
  });
  let tail = "";
  const listen = (stream: Readable): void =>
    eachLine(stream, (coloured) => {
      const line = coloured.replaceAll(COLOUR, "");
      tail = `${tail}${line}\n`.slice(-MAX_TAIL_CHARS);
      onLine(line);
    });
  if (child.stderr !== null) listen(child.stderr);
  const collected = collect && child.stdout !== null ? text(child.stdout) : Promise.resolve("");
  if (!collect && child.stdout !== null) listen(child.stdout);
  const [code, stdout] = await Promise.all([ended, collected]);
  return { code, stdout, tail };
}

function wranglerProgram(): string {
  const manifest = createRequire(import.meta.url).resolve("wrangler/package.json");
  // Not bin/wrangler.js, which starts this one as a process of its own.
  return join(dirname(manifest), "wrangler-dist", "cli.js");
}

function wranglerEnv(env: Environment, report: string): Environment {
  const passed = Object.entries(env).filter(([name]) => PASSED_ON.test(name));
  return {
    ...Object.fromEntries(passed),
    WRANGLER_OUTPUT_FILE_PATH: report,
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
    WRANGLER_HIDE_BANNER: "true",
    // What happens to lie in the working folder must not decide where we deploy.
    CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "false",
  };
}
