import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { GatewayError } from "../../shared/errors.ts";
import type { Command, Io } from "./command.ts";

/** What runs and deploys edges is a program of its own: the core knows nothing of how that is done. */
const PROGRAM = fileURLToPath(new URL("../../infra/edge/main.ts", import.meta.url));

/** Passed on to it; a terminal's own Ctrl-C reaches both. */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export const edge: Command = {
  usage: "edge serve|dev|deploy|status|rollback|keys …",
  summary:
    "Run an edge here, deploy it to Cloudflare, or manage its keys; all options: sallyport edge help",

  async run(args, io) {
    const [action, ...rest] = args;
    // Keys are changed through the running gateway, which the edge knows.
    if (action === "keys") return (await import("./edge-keys.ts")).edgeKeys.run(rest, io);
    return runProgram(args, io);
  },
};

/** The fourth stream tells the program when we are gone, even by `kill -9`. */
async function runProgram(args: readonly string[], { env, cwd }: Io): Promise<number> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd,
    env,
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on("error", (cause) => {
      reject(new GatewayError("internal", "cannot run the edge's program", { cause }));
    });
    child.on("exit", (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 1 : constants.signals[signal]));
    });
  });
}
