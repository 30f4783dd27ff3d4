import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Exit } from "./after-exit.ts";

/**
 * One run of one of our processes.
 *
 * Each is spawned `detached`, as the head of its own process group: a Ctrl-C in the terminal goes
 * to a whole group, and would otherwise cut the edge off while the core is still finishing. The
 * IPC channel ties it to us the other way round: when we are gone, even by `kill -9`, it closes.
 */
export interface Child<Ready> {
  readonly pid: number;
  /** What it reported when it could work; undefined when it ended before that. */
  readonly ready: Promise<Ready | undefined>;
  readonly exited: Promise<Exit>;
  /** Asks it to finish what it has begun and end. */
  stop(): void;
  /** Ends it, and what it has started, at once. */
  kill(): void;
}

/** How long we read on after a process has ended. */
const LAST_WORDS_MS = 500;

/**
 * The half of a `Child` that any process has.
 *
 * @param ready - Must resolve, to undefined, when the process ends without having been ready.
 */
export function watchExit(child: ChildProcess, ready: Promise<unknown>): Promise<Exit> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const settle = async (code: number | null, signal: string | null): Promise<void> => {
      const uptimeMs = performance.now() - startedAt;
      // Settled by now: it resolves to undefined when the process ends.
      const wasReady = (await ready) !== undefined;
      resolve({ code, signal, wasReady, uptimeMs });
    };
    child.once("error", () => void settle(null, null));
    child.once("exit", (code, signal) => {
      // Whatever it had started goes with it: nobody else knows of it.
      if (child.pid !== undefined) killGroup(child.pid);
      // Its last words are still in the pipes. They close when all who can write to them are gone,
      // which may be never when one of them left the group.
      const last = (): void => void settle(code, signal);
      child.once("close", last);
      setTimeout(last, LAST_WORDS_MS).unref();
    });
  });
}

/** SIGKILL for the process group that `pid` heads; nothing happens when it is gone. */
export function killGroup(pid: number): void {
  sendSignal(-pid, "SIGKILL");
}

/** Nothing happens when the process is gone. @param pid - Negative: the group it heads. */
export function sendSignal(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const gone = error instanceof Error && "code" in error && error.code === "ESRCH";
    if (!gone) throw error;
  }
}

/** Hands over each line of `stream`, at most `MAX_LINE_CHARS` of it. */
export function eachLine(stream: Readable, take: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Infinity }).on("line", (line) =>
    take(line.slice(0, MAX_LINE_CHARS)),
  );
}

/** Longer than any line of ours; a runtime's stack trace in JSON may be this long. */
const MAX_LINE_CHARS = 16_384;
