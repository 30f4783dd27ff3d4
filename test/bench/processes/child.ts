import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { forget, remember } from "./registry.ts";

/** Of a program that failed, this much of its output is shown. */
const LAST_WORDS_CHARS = 2_000;

/** Longer than anything takes here, on the slowest of machines. */
const PATIENCE_MS = 180_000;

const FromChild = z.union([
  z.object({ ready: z.record(z.string(), z.unknown()) }),
  z.object({ result: z.unknown() }),
  z.object({ error: z.string() }),
]);

export interface ChildOptions {
  /** Gets the program's output, as a file: a pipe that nobody reads would stop it. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** True: stdout is for us to read. */
  readonly stdout?: boolean;
}

/** A program that runs beside the bench. Disposing it ends it at once. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #logPath: string;
  readonly #exited: Promise<unknown>;

  constructor([file, ...args]: readonly [string, ...string[]], options: ChildOptions, ipc = false) {
    const { folder, env, stdout = false } = options;
    this.#logPath = join(folder, `${crypto.randomUUID()}.log`);
    const log = openSync(this.#logPath, "a");
    this.process = spawn(file, args, {
      cwd: folder,
      env: env ?? process.env,
      stdio: ["ignore", stdout ? "pipe" : log, log, ...(ipc ? (["ipc"] as const) : [])],
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

  /** What the program has written to the file. */
  get output(): string {
    return readFileSync(this.#logPath, "utf8");
  }

  /** Waits for something the program does. @throws Error when it ends before that, or time does. */
  async until<T>(done: Promise<T>): Promise<T> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(resolve, PATIENCE_MS, undefined);
    const ended = this.#exited.then(() => undefined);
    try {
      const outcome = await Promise.race([done.then((value) => ({ value })), ended, late]);
      if (outcome !== undefined) return outcome.value;
    } finally {
      clearTimeout(timer);
    }
    const words = this.output.slice(-LAST_WORDS_CHARS);
    throw new Error(`${this.process.spawnargs.join(" ")} ended or hangs: ${words}`);
  }

  /** Lets it end in its own way. */
  async stop(): Promise<void> {
    this.process.kill("SIGTERM");
    await this.#exited;
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
    const child = new NodeChild([process.execPath, script, ...args], { folder }, true);
    const first = await child.#message();
    if (!("ready" in first)) throw new Error(`${script} did not say that it is ready`);
    return { child, ready: first.ready };
  }

  /** Asks it something. @throws Error with its own words when it could not do that. */
  async ask(message: object): Promise<unknown> {
    const answer = this.#message();
    this.process.send(message);
    const parsed = await answer;
    if ("error" in parsed) throw new Error(parsed.error);
    return "result" in parsed ? parsed.result : undefined;
  }

  async #message(): Promise<z.output<typeof FromChild>> {
    const [message]: unknown[] = await this.until(once(this.process, "message"));
    return FromChild.parse(message);
  }
}
