/**
 * The edge on the bare runtime: `workerd serve`, without Miniflare and the Worker it puts in front
 * of ours. For machines that are their own edge, and for measuring what the edge itself costs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import * as z from "zod";
import { killGroup, sendSignal } from "../process/child.ts";

/** A running runtime. Disposing it asks it to end, and ends it when it does not. */
export interface Workerd extends AsyncDisposable {
  readonly pid: number;
  /** 0 when it listens on a Unix socket. */
  readonly port: number;
  /** Settles when the process is gone, for whatever reason. */
  readonly exited: Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** It finishes requests that are under way first; a tunnel never finishes. */
const STOP_PATIENCE_MS = 500;

/** Of what it says before it could listen: enough for a message, never without bound. */
const MAX_COMPLAINT_CHARS = 2_000;

/**
 * Runs the runtime as its child and ends it when our end of its standard input closes, which the
 * system sees to however we end: a runtime left behind would go on writing to a storage that the
 * next one uses. A shell, because it costs nothing and is there; the runtime knows no such tie.
 */
const GUARD = `exec 4<&0
"$@" 4<&- &
runtime=$!
echo "{\\"event\\":\\"pid\\",\\"pid\\":$runtime}" >&3
{ read -r _ <&4; kill -KILL "$runtime"; } 3>&- >/dev/null 2>&1 &
guard=$!
wait "$runtime"
code=$?
kill -KILL "$guard"
exit "$code"`;

const Report = z.discriminatedUnion("event", [
  z.object({ event: z.literal("pid"), pid: z.int().positive() }),
  z.object({ event: z.literal("listen"), socket: z.literal("http"), port: z.int() }),
]);

/**
 * Runs the runtime with `config`; resolves once it listens.
 *
 * @param onLine - One line that the Worker or the runtime wrote.
 * @throws Error with the runtime's own words when it cannot run: a port in use, a storage folder
 *   it may not write to, a script that does not load.
 */
export async function startWorkerd(
  config: string,
  onLine: (line: string) => void,
): Promise<Workerd> {
  // For our eyes only (mode 0700), and only until it has been read: the config has secrets in it.
  const folder = await mkdtemp(join(tmpdir(), "sallyport-edge-"));
  try {
    const path = join(folder, "config.capnp");
    await writeFile(path, config, { mode: 0o600 });
    const runtime = [workerdBinary(), "serve", "--control-fd=3", path];
    const child = spawn("/bin/sh", ["-c", GUARD, "sh", ...runtime], {
      // A group of its own: a Ctrl-C is for us, who end it when what is under way has ended.
      detached: true,
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      // It needs nothing of our environment, and that is full of keys.
      env: {},
    });
    return await listening(child, onLine);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @throws Error when the package is not installed for this platform. */
export function workerdBinary(): string {
  return z.object({ default: z.string() }).parse(createRequire(import.meta.url)("workerd")).default;
}

async function listening(child: ChildProcess, onLine: (line: string) => void): Promise<Workerd> {
  const gone = Promise.withResolvers<void>();
  let complaint = "";
  child.once("error", (error) => {
    complaint = error.message;
    gone.resolve();
  });
  // When it was the guard that was killed, the runtime goes with it.
  child.once("exit", () => end(child));
  child.once("close", () => gone.resolve());
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      complaint = `${complaint}${line}\n`.slice(-MAX_COMPLAINT_CHARS);
      onLine(line);
    });
  }
  const started = await Promise.race([reportOf(child), gone.promise]);
  if (started === undefined) {
    end(child);
    // Its last words may still be on their way.
    await gone.promise;
    throw new Error(`the edge's runtime did not start: ${complaint.trim() || "it ended"}`);
  }
  return {
    ...started,
    exited: gone.promise,
    kill: () => end(child),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      sendSignal(started.pid, "SIGTERM");
      const late = setTimeout(() => end(child), STOP_PATIENCE_MS);
      await ended;
      clearTimeout(late);
    },
  };
}

/** What is told on the descriptor that we gave for that; undefined when it ends before. */
async function reportOf(child: ChildProcess): Promise<{ pid: number; port: number } | undefined> {
  const control = child.stdio[3];
  if (!(control instanceof Readable)) return undefined;
  let pid = 0;
  for await (const line of createInterface({ input: control })) {
    const report = Report.safeParse(JSON.parse(line));
    if (report.data?.event === "pid") pid = report.data.pid;
    if (report.data?.event === "listen") return { pid, port: report.data.port };
  }
  return undefined;
}

/** Nothing happens when it never started, or is gone. */
function end({ pid }: ChildProcess): void {
  if (pid !== undefined) killGroup(pid);
}
