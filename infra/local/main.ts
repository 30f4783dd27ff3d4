/**
 * `npm start`, on the Node that came with the packages: argv and environment in, an exit code out.
 * The only file here that reads them.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "../process/failure.ts";
import { letProcessEnd, listenToSignals, surviveClosedPipes } from "../process/signals.ts";
import { Launcher } from "./launcher.ts";
import { LogSink } from "../terminal/log-sink.ts";
import { HELP, type Options, parseOptions } from "./options.ts";
import { banner, readyLine } from "./print.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

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
    say(`sallyport: ${options.error.message}\n`);
    process.exitCode = options.error.exitCode;
  } else if (options.value === "help") {
    out(HELP);
  } else {
    process.exitCode = await run(options.value);
  }
  letProcessEnd();
}

async function run(options: Options): Promise<number> {
  const { json, edgePort, stateDir, configPath } = options;
  surviveClosedPipes();
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
  listenToSignals({
    stop: () => void launcher.stop(),
    kill: () => launcher.kill(),
    reload: () => false,
  });
  try {
    const running = await launcher.start();
    if (running === undefined) return 0;
    say(`Ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
    out(
      json
        ? readyLine(running)
        : banner(running, {
            node: process.execPath,
            core: join(ROOT, "core", "sallyport.mjs"),
            env,
          }),
    );
    logs.open();
    return await launcher.ended();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(`sallyport: ${error.message}\n`);
    return error.exitCode;
  } finally {
    await launcher.stop();
  }
}

if (import.meta.main) await main();
