#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Command, Io, Page } from "./cli/command.ts";

/** A command and what it needs are loaded when it is asked for: `health` pays for nothing else. */
const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ["gateway", async () => (await import("./cli/gateway.ts")).gateway],
  ["connect", async () => (await import("./cli/connect.ts")).connect],
  ["tunnel", async () => (await import("./cli/tunnel.ts")).tunnel],
  ["edge", async () => (await import("./cli/edge.ts")).edge],
  ["health", async () => (await import("./cli/health.ts")).health],
  ["status", async () => (await import("./cli/status.ts")).status],
  ["logs", async () => (await import("./cli/logs.ts")).logs],
  ["system", async () => (await import("./cli/system.ts")).system],
  ["doctor", async () => (await import("./cli/doctor.ts")).doctor],
  ["config", async () => (await import("./cli/config.ts")).config],
  ["token", async () => (await import("./cli/token.ts")).token],
  ["agents", async () => (await import("./cli/agents.ts")).agents],
  ["models", async () => (await import("./cli/models.ts")).models],
  ["channels", async () => (await import("./cli/channels.ts")).channels],
  ["skills", async () => (await import("./cli/skills.ts")).skills],
  ["agent", async () => (await import("./cli/agent.ts")).agent],
  ["sessions", async () => (await import("./cli/sessions.ts")).sessions],
  ["message", async () => (await import("./cli/message.ts")).message],
  ["devices", async () => (await import("./cli/devices.ts")).devices],
  ["approvals", async () => (await import("./cli/approvals.ts")).approvals],
  ["pairing", async () => (await import("./cli/pairing.ts")).pairing],
  ["cron", async () => (await import("./cli/cron.ts")).cron],
  ["automations", async () => (await import("./cli/cron.ts")).cron],
  ["hooks", async () => (await import("./cli/hooks.ts")).hooks],
  ["webhooks", async () => (await import("./cli/webhooks.ts")).webhooks],
  ["version", async () => (await import("./cli/version.ts")).version],
]);
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["--version", "version"],
  ["-v", "version"],
  ["-V", "version"],
]);
const HELP_FLAGS: ReadonlySet<string> = new Set(["help", "--help", "-h"]);

/** What is left after a command has ended is given this long to end as well. */
const LINGER_MS = 1_000;

// Not in the shared temporary folder, where others of this machine could leave bytecode for us.
enableCompileCache(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "sallyport"));
// Whoever reads us may be gone before we are: that must not cut a drain short.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);

process.exitCode = await run(process.argv.slice(2), processIo());
if (process.connected) process.disconnect();
setTimeout(() => process.exit(), LINGER_MS).unref();

/** Arguments in, exit code out: the one place where an error becomes a line for people. */
async function run(args: readonly string[], io: Io): Promise<number> {
  const [name = "help", ...rest] = args;
  try {
    if (HELP_FLAGS.has(name)) return await printHelp(io);
    const command = await COMMANDS.get(ALIASES.get(name) ?? name)?.();
    if (command === undefined) {
      io.err(`sallyport: no command "${name.slice(0, 64)}"; try sallyport --help`);
      return 1;
    }
    if (!rest.some((arg) => arg === "--help" || arg === "-h")) return await command.run(rest, io);
    const { usage, summary, details } = pageOf(command, rest);
    io.out(
      [`sallyport ${usage}`, summary, ...(details === undefined ? [] : [details])].join("\n\n"),
    );
    return 0;
  } catch (error) {
    const { reportFailure } = await import("./cli/failure.ts");
    return reportFailure(error, rest.includes("--json") && !goesOn(name, rest), io);
  }
}

/** Of commands that go on, `--json` is about what they say on the way: why one ends is for its log. */
function goesOn(name: string, [first = "run"]: readonly string[]): boolean {
  return name === "connect" || (name === "gateway" && (first === "run" || first.startsWith("-")));
}

function pageOf(command: Command, args: readonly string[]): Page {
  const action = args.find((arg) => !arg.startsWith("-"));
  return (action === undefined ? undefined : command.actions?.get(action)) ?? command;
}

async function printHelp(io: Io): Promise<number> {
  const commands = await Promise.all([...COMMANDS.values()].map((load) => load()));
  const lines = commands.map(({ usage, summary }) => `  sallyport ${usage}\n      ${summary}`);
  io.out(`Usage:\n\n${lines.join("\n")}`);
  return 0;
}

function processIo(): Io {
  let stop: AbortSignal | undefined;
  const supervised = process.connected ?? false;
  return {
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    uid: process.getuid?.(),
    pid: process.pid,
    get colours() {
      return process.stdout.isTTY && !process.env["NO_COLOR"];
    },
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    log: process.stderr,
    get stop() {
      stop ??= stopSignal(supervised);
      return stop;
    },
    supervised,
  };
}

/** Aborts at the first request to end; the second ends the process on the spot. */
function stopSignal(supervised: boolean): AbortSignal {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  // The channel to whoever started us closes when they are gone, however they went.
  if (process.connected) process.once("disconnect", () => controller.abort());
  else if (supervised) controller.abort(); // They went while we were starting.
  return controller.signal;
}
