/**
 * `npm start`, on the Node that came with the packages: argv and environment in, an exit code out.
 * The only file here that reads them.
 */
import { constants, homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Launcher, StartFailure } from "./launcher.ts";
import { LogSink } from "./log-sink.ts";
import { HELP, type Options, parseOptions } from "./options.ts";
import { banner, readyLine } from "./print.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Wrong usage, as `sysexits.h` numbers it. */
const EXIT_USAGE = 64;

/** What a terminal, a service manager and a closed window send. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** One Ctrl-C reaches us twice under npm: from the terminal and, a moment later, passed on by npm. */
const SAME_SIGNAL_MS = 500;

/** After everything has ended nothing should hold the process; if something does, not for long. */
const LAST_RESORT_MS = 1_000;

const out = (text: string): void => void process.stdout.write(text);
const say = (text: string): void => void process.stderr.write(text);

/** Runs the whole of `npm start` and sets the exit code. */
export async function main(): Promise<void> {
  const { env, argv } = process;
  const options = parseOptions(argv.slice(2), env, {
    // Where the user stood: npm moves to the package before it runs anything.
    cwd: env["INIT_CWD"] ?? process.cwd(),
    home: homedir(),
  });
  if (!options.ok) {
    say(`sallyport: ${options.error}\n`);
    process.exitCode = EXIT_USAGE;
  } else if (options.value === "help") {
    out(HELP);
  } else {
    process.exitCode = await run(options.value);
  }
  // Natural ends let the last output through; a stuck handle must not keep us.
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(), LAST_RESORT_MS).unref();
}

async function run(options: Options): Promise<number> {
  const { json, edgePort, stateDir, configPath } = options;
  // Whoever read us may stop reading; that is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const startedAt = performance.now();
  const logs = new LogSink({ raw: json, write: json ? say : out, now: Date.now });
  const env = {
    ...process.env,
    OPENCLAW_STATE_DIR: stateDir,
    ...(configPath === undefined ? {} : { OPENCLAW_CONFIG_PATH: configPath }),
  };
  const launcher = new Launcher({
    root: ROOT,
    edgePort,
    stateDir,
    env,
    logs,
    progress: (text) => say(`${text} …\n`),
  });
  stopOnSignals(launcher);
  try {
    const running = await launcher.start();
    if (running === undefined) return 0;
    say(`Ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
    out(
      json
        ? readyLine(running)
        : banner(running, { node: process.execPath, core: join(ROOT, "core", "main.ts"), env }),
    );
    logs.open();
    return await launcher.ended();
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    say(`sallyport: ${error.message}\n`);
    return error.exitCode;
  } finally {
    await launcher.stop();
  }
}

/** The first signal stops cleanly, a second one at once. */
function stopOnSignals(launcher: Launcher): void {
  let firstAt: number | undefined;
  const stop = (signal: (typeof STOP_SIGNALS)[number]): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      say("Stopping …\n");
      void launcher.stop();
    } else if (now - firstAt > SAME_SIGNAL_MS) {
      launcher.kill();
      process.exit(128 + constants.signals[signal]);
    }
  };
  for (const signal of STOP_SIGNALS) process.on(signal, () => stop(signal));
  // The channel to the process that started us closes when that is killed.
  process.once("disconnect", () => stop("SIGTERM"));
}

if (import.meta.main) await main();
