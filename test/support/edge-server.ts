import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { WARM } from "./warm.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));

const Ready = z.object({
  event: z.literal("ready"),
  url: z.url(),
  port: z.int(),
  pid: z.int(),
  /** 0 where there is no saying. */
  runtimePid: z.int().default(0),
  pairingFile: z.string(),
});

export interface EdgeServer extends AsyncDisposable {
  readonly ready: z.output<typeof Ready>;
  readonly url: URL;
  /** Of the command; the edge's own program is its child. */
  readonly child: ChildProcess;
  readonly log: readonly string[];
  pairing(): Promise<string>;
  /** Resolves with the first line of the log that has `part` in it. */
  line(part: string): Promise<string>;
  /** Sends the signal, if any; resolves to the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A folder of its own, removed at the end. */
export async function temporary(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "edge-server-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function start(home: string, args: readonly string[]): ChildProcess {
  const env = { ...WARM, PATH: process.env["PATH"], HOME: home };
  const all = ["edge", ...args, "--json"];
  return spawn(process.execPath, [MAIN, ...all], { env, stdio: ["ignore", "pipe", "pipe"] });
}

function serve(storage: string, args: readonly string[]): ChildProcess {
  return start(storage, ["serve", "--storage", storage, "--port", "0", ...args]);
}

/** `sallyport edge serve` as people run it, on a free loopback port. Resolves when it is ready. */
export function startEdgeServer(
  storage: string,
  args: readonly string[] = [],
): Promise<EdgeServer> {
  return watched(serve(storage, args));
}

/** `sallyport edge dev`, likewise. */
export function startEdgeDev(home: string): Promise<EdgeServer> {
  return watched(start(home, ["dev", "--port", "0"]));
}

async function watched(child: ChildProcess): Promise<EdgeServer> {
  if (child.stdout === null || child.stderr === null) throw new Error("no pipes");
  const log: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stderr }).on("line", (line) => {
    log.push(line);
    for (const wake of waiting) wake();
  });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, "line"), exited.then(() => undefined)]);
  if (first === undefined) throw new Error(`the edge ended: ${log.join("\n")}`);
  const ready = Ready.parse(JSON.parse(String(first[0])));
  const end = async (signal?: NodeJS.Signals): Promise<number | null> => {
    if (signal !== undefined) child.kill(signal);
    await exited;
    return child.exitCode;
  };
  return {
    ready,
    url: new URL(ready.url),
    child,
    log,
    pairing: async () => (await readFile(ready.pairingFile, "utf8")).trim(),
    async line(part) {
      for (;;) {
        const found = log.find((line) => line.includes(part));
        if (found !== undefined) return found;
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
      }
    },
    end,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await end("SIGTERM");
    },
  };
}

/** One that is not expected to start: how it ended, and its lines for people. */
export async function failedStart(
  storage: string,
  args: readonly string[] = [],
): Promise<{ readonly code: number | null; readonly complaints: readonly string[] }> {
  const child = serve(storage, args);
  const err = child.stderr === null ? "" : await text(child.stderr);
  if (child.exitCode === null) await once(child, "exit");
  return { code: child.exitCode, complaints: err.split("\n").filter((line) => line !== "") };
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
