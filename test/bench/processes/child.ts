import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { forget, remember } from "./registry.ts";

/** Of a program that could not start, this much of its output is shown. */
const LAST_WORDS_CHARS = 2_000;

/** Nothing that is started here takes longer, on the slowest of machines. */
const READY_TIMEOUT_MS = 60_000;

const FromChild = z.union([
  z.object({ ready: z.record(z.string(), z.unknown()) }),
  z.object({ result: z.unknown() }),
  z.object({ error: z.string() }),
]);

/** A program that runs beside the bench. Disposing it ends it at once. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #logPath: string;
  readonly #exited: Promise<unknown>;

  /**
   * @param folder - Gets the program's output, as a file: a pipe that nobody reads would stop it.
   * @param stdio - Replaces that for stdin, stdout, stderr and what comes after, where given.
   */
  constructor(
    command: readonly [string, ...string[]],
    folder: string,
    options: Pick<SpawnOptions, "env" | "cwd"> & { readonly stdio?: readonly ("pipe" | "ipc")[] },
  ) {
    const [file, ...args] = command;
    const { stdio = [], ...rest } = options;
    this.#logPath = join(folder, `${crypto.randomUUID()}.log`);
    const log = openSync(this.#logPath, "a");
    const [out, ...others] = stdio;
    this.process = spawn(file, args, {
      ...rest,
      stdio: ["ignore", out === "pipe" ? "pipe" : log, log, ...others, ...(out === "ipc" ? [out] : [])],
    });
    closeSync(log);
    remember(this.process.pid);
    this.#exited = new Promise((resolve) => {
      for (const event of ["exit", "error"]) this.process.once(event, resolve);
    });
    void this.#exited.then(() => forget(this.process.pid));
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** What the program has written. */
  get output(): string {
    return readFileSync(this.#logPath, "utf8");
  }

  /** Resolves with what `ready` gives. @throws Error when the program ends, or time, before it. */
  async until<T>(ready: Promise<T>): Promise<T> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(resolve, READY_TIMEOUT_MS, undefined);
    const ended = this.#exited.then(() => undefined);
    try {
      const outcome = await Promise.race([ready.then((value) => ({ value })), ended, late]);
      if (outcome !== undefined) return outcome.value;
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`${this.process.spawnfile} is not ready: ${this.output.slice(-LAST_WORDS_CHARS)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.#exited;
  }
}

/** One of our own scripts, on this Node; see `serveParent`. */
export class NodeChild extends Child {
  /** Starts `script` and waits until it is ready. @returns It, and what it said of itself. */
  static async start(
    script: string,
    folder: string,
    args: readonly string[] = [],
  ): Promise<{ child: NodeChild; ready: Record<string, unknown> }> {
    const child = new NodeChild([process.execPath, script, ...args], folder, { stdio: ["ipc"] });
    const first = FromChild.parse(await child.until(child.#message()));
    if (!("ready" in first)) throw new Error(`${script} did not say that it is ready`);
    return { child, ready: first.ready };
  }

  /** Asks it something. @throws Error with its own words when it could not do that. */
  async ask(message: object): Promise<unknown> {
    const answer = this.#message();
    this.process.send(message);
    const parsed = FromChild.parse(await answer);
    if ("error" in parsed) throw new Error(parsed.error);
    return "result" in parsed ? parsed.result : undefined;
  }

  async #message(): Promise<unknown> {
    const [message]: unknown[] = await once(this.process, "message");
    return message;
  }
}
