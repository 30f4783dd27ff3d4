import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a process that was asked to end may take. */
const STOP_MS = 20_000;
/** Of what a process says, the end is kept. */
const MAX_LINES = 200;
const POLL_MS = 100;

export interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
  /** What it said last, on both outputs. */
  readonly lines: readonly string[];
  /** The first line that `accept` makes something of. @throws Error when it ends before. */
  line<T>(accept: (line: string) => T | undefined): Promise<T>;
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>;
}

/** A process of ours, ended with the stack it is in. */
export function start(
  command: string,
  args: readonly string[],
  options: { readonly env: Record<string, string>; readonly cwd?: string },
): Program {
  const child = spawn(command, [...args], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      if (lines.length > MAX_LINES) lines.shift();
      for (const hear of waiting) hear(line);
    });
  }
  const exited = once(child, "exit");
  const stop = async (): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(late);
    return child.exitCode;
  };
  return {
    child,
    lines,
    stop,
    line<T>(accept: (line: string) => T | undefined) {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const hear = (line: string): void => {
        const found = accept(line);
        if (found !== undefined) resolve(found);
      };
      for (const line of lines) hear(line);
      waiting.add(hear);
      void exited.then(() => reject(new Error(`${command} ended: ${lines.slice(-5).join("\n")}`)));
      return promise.finally(() => waiting.delete(hear));
    },
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

/** Asks again and again until there is an answer. @throws Error after `timeoutMs`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  timeoutMs: number,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await ask().catch(() => undefined);
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(POLL_MS);
  }
}
