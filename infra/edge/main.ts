/**
 * `sallyport edge`: argv and environment in, an exit code out. The only file here that reads them.
 */
import { constants, homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { Failure } from "./failure.ts";
import { HELP } from "./help.ts";
import type { Io } from "./io.ts";
import { type EdgeCommand, parseCommand } from "./options.ts";

/** Wrong usage, as `sysexits.h` numbers it. */
const EXIT_USAGE = 64;

/** What a terminal, a service manager and a closed window send. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** One Ctrl-C reaches us twice: from the terminal, and passed on by the program that started us. */
const SAME_SIGNAL_MS = 500;

/** After everything has ended nothing should hold the process; if something does, not for long. */
const LAST_RESORT_MS = 1_000;

const ENTRY = fileURLToPath(new URL("../../core/main.ts", import.meta.url));

async function main(): Promise<void> {
  // Whoever read us may stop reading; that is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const io = processIo();
  const parsed = parseCommand(process.argv.slice(2), io.env, io.place);
  if (parsed.ok) process.exitCode = await run(parsed.value, io);
  else {
    io.err(`sallyport: ${parsed.error}`);
    process.exitCode = EXIT_USAGE;
  }
  // Natural ends let the last output through; a stuck handle must not keep us.
  process.removeAllListeners("disconnect");
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(), LAST_RESORT_MS).unref();
}

/** What a command needs is loaded when it is asked for. */
async function run(parsed: EdgeCommand, io: Io): Promise<number> {
  try {
    return await perform(parsed, io);
  } catch (error) {
    const missing = missingPackage(error);
    if (missing !== undefined) {
      io.err(
        `sallyport: the package ${missing} is not installed: run \`npm install --include=optional\` in ${fileURLToPath(new URL("../..", import.meta.url))}`,
      );
      return 1;
    }
    if (!(error instanceof Failure)) throw error;
    io.err(`sallyport: ${error.message}`);
    return error.exitCode;
  }
}

async function perform(parsed: EdgeCommand, io: Io): Promise<number> {
  switch (parsed.command) {
    case "serve":
      if (parsed.options.printUnit) {
        const { unitText } = await import("./serve/unit.ts");
        const args = process.argv.slice(3).filter((arg) => arg !== "--print-unit");
        io.out(unitText(parsed.options, { node: process.execPath, entry: ENTRY, args }));
        return 0;
      }
      return (await import("./serve/run.ts")).runServe(parsed.options, io);
    case "dev":
      return (await import("./dev.ts")).runDev(parsed.options, io);
    case "deploy":
      return (await import("./deploy/deploy.ts")).runDeploy(parsed.options, io);
    case "status":
      return (await import("./deploy/status.ts")).runStatus(parsed.options, io);
    case "rollback":
      return (await import("./deploy/rollback.ts")).runRollback(parsed.options, io);
    case "help":
      io.out(HELP);
      return 0;
  }
}

/** An optional package that was left out of the install. */
function missingPackage(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  if (error.code !== "ERR_MODULE_NOT_FOUND" && error.code !== "MODULE_NOT_FOUND") return undefined;
  return /Cannot find (?:package|module) '(?<name>[^'./][^']*)'/.exec(error.message)?.groups?.[
    "name"
  ];
}

function processIo(): Io {
  let reload: (() => void) | undefined;
  let stopping: AbortController | undefined;
  const io: Io = {
    env: process.env,
    place: { cwd: process.cwd(), home: homedir() },
    pid: process.pid,
    out: (text) => void process.stdout.write(text),
    err: (line) => void process.stderr.write(`${line}\n`),
    log: (json) => (text) => void (json ? process.stderr : process.stdout).write(text),
    isTerminal: process.stdin.isTTY && process.stdout.isTTY,
    stopping: () => {
      if (stopping === undefined) {
        const controller = new AbortController();
        stopping = controller;
        io.onStop(
          () => controller.abort(),
          () => {},
        );
      }
      return stopping.signal;
    },
    onReload: (listener) => {
      reload = listener;
    },
    onStop: (stop, kill) => {
      let firstAt: number | undefined;
      const onSignal = (signal: (typeof STOP_SIGNALS)[number]): void => {
        if (signal === "SIGHUP" && reload !== undefined) {
          reload();
        } else if (firstAt === undefined) {
          firstAt = performance.now();
          process.stderr.write("Stopping …\n");
          stop();
        } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
          kill();
          process.exit(128 + constants.signals[signal]);
        }
      };
      for (const signal of STOP_SIGNALS) process.on(signal, () => onSignal(signal));
      // The channel to the process that started us closes when that is killed.
      process.once("disconnect", () => onSignal("SIGTERM"));
    },
  };
  return io;
}

if (import.meta.main) await main();
