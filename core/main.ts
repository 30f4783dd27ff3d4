import { homedir } from "node:os";
import type { Command, Io, Page } from "./cli/command.ts";

/** A command and what it needs are loaded when it is asked for: `health` pays for nothing else. */
const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ["gateway", async () => (await import("./cli/gateway.ts")).gateway],
  ["daemon", async () => (await import("./cli/gateway.ts")).daemon],
  ["connect", async () => (await import("./cli/connect.ts")).connect],
  ["tunnel", async () => (await import("./cli/tunnel.ts")).tunnel],
  ["edge", async () => (await import("./cli/edge.ts")).edge],
  ["health", async () => (await import("./cli/health.ts")).health],
  ["status", async () => (await import("./cli/status.ts")).status],
  ["logs", async () => (await import("./cli/logs.ts")).logs],
  ["system", async () => (await import("./cli/system.ts")).system],
  ["doctor", async () => (await import("./cli/doctor.ts")).doctor],
  ["config", async () => (await import("./cli/config.ts")).config],
  ["secrets", async () => (await import("./cli/secrets.ts")).secrets],
  ["token", async () => (await import("./cli/token.ts")).token],
  ["agents", async () => (await import("./cli/agents.ts")).agents],
  ["models", async () => (await import("./cli/models.ts")).models],
  ["channels", async () => (await import("./cli/channels.ts")).channels],
  ["skills", async () => (await import("./cli/skills.ts")).skills],
  ["agent", async () => (await import("./cli/agent.ts")).agent],
  ["sessions", async () => (await import("./cli/sessions.ts")).sessions],
  ["message", async () => (await import("./cli/message.ts")).message],
  ["devices", async () => (await import("./cli/devices.ts")).devices],
  ["qr", async () => (await import("./cli/qr.ts")).qr],
  ["approvals", async () => (await import("./cli/approvals.ts")).approvals],
  ["pairing", async () => (await import("./cli/pairing.ts")).pairing],
  ["cron", async () => (await import("./cli/cron.ts")).cron],
  ["automations", async () => (await import("./cli/cron.ts")).cron],
  ["hooks", async () => (await import("./cli/hooks.ts")).hooks],
  ["webhooks", async () => (await import("./cli/webhooks.ts")).webhooks],
  ["onboard", async () => (await import("./cli/onboard.ts")).onboard],
  ["configure", async () => (await import("./cli/configure.ts")).configure],
  ["dashboard", async () => (await import("./cli/dashboard.ts")).dashboard],
  ["completion", async () => (await import("./cli/completion.ts")).completionOf(COMMANDS)],
  ["migrate", async () => (await import("./cli/migrate.ts")).migrate],
  ["version", async () => (await import("./cli/version.ts")).version],
]);
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["--version", "version"],
  ["-v", "version"],
  ["-V", "version"],
]);
const HELP_FLAGS: ReadonlySet<string> = new Set(["help", "--help", "-h"]);

const EXIT_CODES = `Exit codes: 0 done; 1 it did not work, or the command line is not understood; 78 a setting has to be
mended first, in the config, a variable or a flag; 130 or 143 cut short by a second signal. secrets has
2 and 3 as well: see its --help.`;

/** What is left after a command has ended is given this long to end as well. */
const LINGER_MS = 1_000;

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
    const [topic = "-"] = rest;
    if (name === "help" && !topic.startsWith("-")) return await run([...rest, "--help"], io);
    if (HELP_FLAGS.has(name)) return await printHelp(io);
    const command = await COMMANDS.get(ALIASES.get(name) ?? name)?.();
    if (command === undefined) throw await unknown(name);
    if (!rest.some((arg) => arg === "--help" || arg === "-h")) return await command.run(rest, io);
    printPage(pageOf(command, rest), io);
    return 0;
  } catch (error) {
    return tell(error, args, io);
  }
}

async function tell(
  error: unknown,
  [name = "", ...rest]: readonly string[],
  io: Io,
): Promise<number> {
  const { reportFailure } = await import("./cli/failure.ts");
  const json = rest.includes("--json");
  // A log says why one ended as well, and whoever reads the other stream need not look there.
  if (json && goesOn(name, rest)) reportFailure(error, false, io);
  return reportFailure(error, json, io);
}

function printPage({ usage, summary, details }: Page, io: Io): void {
  const parts = [`sallyport ${usage}`, summary, ...(details === undefined ? [] : [details])];
  io.out(parts.join("\n\n"));
}

async function unknown(name: string): Promise<Error> {
  const [{ nearest }, { GatewayError }] = await Promise.all([
    import("./config/issues/suggest.ts"),
    import("../shared/errors.ts"),
  ]);
  const near = nearest(name, [...COMMANDS.keys()]);
  const remedy = near === undefined ? "try sallyport --help" : `did you mean "${near}"?`;
  return new GatewayError("invalid_request", `no command "${name.slice(0, 64)}"; ${remedy}`);
}

/** Commands that have a log of their own on stderr, until they are told to end. */
function goesOn(name: string, [first = "run"]: readonly string[]): boolean {
  return name === "connect" || (name === "gateway" && (first === "run" || first.startsWith("-")));
}

function pageOf(command: Command, args: readonly string[]): Page {
  const action = args.find((arg) => !arg.startsWith("-"));
  return (action === undefined ? undefined : command.actions?.get(action)) ?? command;
}

async function printHelp(io: Io): Promise<number> {
  // One that has two names is shown once.
  const commands = new Set(await Promise.all([...COMMANDS.values()].map((load) => load())));
  const lines = Array.from(
    commands,
    ({ usage, summary }) => `  sallyport ${usage}\n      ${summary}`,
  );
  io.out(`Usage:\n\n${lines.join("\n")}\n\n${EXIT_CODES}`);
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
    get input() {
      return process.stdin;
    },
    isTerminal: process.stdout.isTTY,
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
