/**
 * `sallyport edge`: argv and environment in, an exit code out. The only file here that reads them.
 */
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure, failureLine, notInstalled } from "../process/failure.ts";
import { letProcessEnd, listenToSignals, surviveClosedPipes } from "../process/signals.ts";
import { HELP } from "./help.ts";
import type { Io } from "./io.ts";
import type { EdgeCommand } from "./options.ts";
import { parseCommand } from "./parse-command.ts";

const ENTRY = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));

async function main(): Promise<void> {
  // The core's own folder, and not the shared temporary one, where others could leave us bytecode.
  enableCompileCache(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "sallyport"));
  surviveClosedPipes();
  const io = processIo();
  const args = process.argv.slice(2);
  process.exitCode = await run(args, io);
  letProcessEnd();
}

/** Arguments in, exit code out: the one place where a failure becomes a line. */
async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    const parsed = parseCommand(args, io.env, io.place);
    if (!parsed.ok) throw parsed.error;
    return await perform(parsed.value, io);
  } catch (error) {
    const missing = missingPackage(error);
    const failure = missing === undefined ? error : new Failure(notInstalled(missing));
    if (!(failure instanceof Failure)) throw failure;
    // For the log as well, which has all else that was said on the way.
    io.err(`sallyport: ${failure.message}`);
    if (args.includes("--json")) io.out(failureLine(failure.message));
    return failure.exitCode;
  }
}

/** What a command needs is loaded when it is asked for. */
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
    onStop: (stop, kill) =>
      listenToSignals({
        stop,
        kill,
        reload: () => {
          reload?.();
          return reload !== undefined;
        },
      }),
  };
  return io;
}

if (import.meta.main) await main();
