import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { WARM } from "./warm.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What `--json` prints. */
const ReadyLine = z.strictObject({
  edge: z.url(),
  gateway: z.url(),
  token: z.string().min(20),
  model: z.string(),
  pid: z.int().positive(),
});
export type ReadyLine = z.output<typeof ReadyLine>;

const LAUNCHER = [process.execPath, join(ROOT, "infra", "local", "start.mjs")] as const;
const NPM = ["npm", "start", "--silent", "--"] as const;

export interface Launch {
  /** As a user types it; otherwise what `npm start` runs is run directly, which is quicker. */
  readonly npm?: boolean;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of a new empty one. */
  readonly home?: string;
}

/** `npm start` of this checkout, with free ports and, unless told otherwise, an empty home. */
export class Launched implements AsyncDisposable {
  readonly #child;
  readonly #exited: Promise<number>;
  readonly #ownHome: string | undefined;
  readonly #waiting = new Set<() => void>();
  #stdout = "";
  #stderr = "";
  readonly home: string;

  constructor({ npm = false, args = [], env = {}, home }: Launch) {
    this.#ownHome = home === undefined ? mkdtempSync(join(tmpdir(), "sallyport-home-")) : undefined;
    this.home = home ?? this.#ownHome ?? "";
    const [command, ...first] = npm ? NPM : LAUNCHER;
    this.#child = spawn(command, [...first, ...args], {
      cwd: ROOT,
      // Nothing of the machine's own: a key or a state directory in it must not get into a test.
      env: {
        ...WARM,
        HOME: this.home,
        PATH: process.env["PATH"],
        OPENCLAW_GATEWAY_PORT: "0",
        SALLYPORT_EDGE_PORT: "0",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout.setEncoding("utf8").on("data", (text) => {
      this.#stdout += text;
      this.#changed();
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text) => {
      this.#stderr += text;
      this.#changed();
    });
    this.#exited = once(this.#child, "close").then(([code, signal]) => {
      this.#changed();
      return z
        .int()
        .catch(-1)
        .parse(code ?? signal);
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves to the exit code; -1 when a signal ended it. */
  get exited(): Promise<number> {
    return this.#exited;
  }

  get stateDir(): string {
    return join(this.home, ".openclaw");
  }

  /** The line of `--json`. @throws Error with everything it said when it ended instead. */
  async ready(): Promise<ReadyLine> {
    await this.until(() => this.#stdout.includes("\n"));
    return ReadyLine.parse(JSON.parse(this.#stdout.split("\n")[0] ?? ""));
  }

  /** Waits until `isSo` after something was printed. @throws Error when it ended before. */
  async until(isSo: () => boolean): Promise<void> {
    const ended = this.#exited.then((code) => {
      throw new Error(`ended with ${code}\n${this.#stdout}\n${this.#stderr}`);
    });
    while (!isSo()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await Promise.race([promise, ended]);
    }
    ended.catch(() => {});
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  credential(name: string): string {
    return readFileSync(join(this.stateDir, "credentials", name), "utf8").trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGTERM");
      await this.#exited;
    }
    if (this.#ownHome !== undefined) rmSync(this.#ownHome, { recursive: true, force: true });
  }

  #changed(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** Where a chat goes, and as whom. */
export interface ChatTarget {
  /** Base URL of the edge or the gateway. */
  readonly base: string;
  readonly token: string;
  readonly model: string;
}

/** A chat completion with `text` as the user's words. */
export async function chat({ base, token, model }: ChatTarget, text: string): Promise<Response> {
  return fetch(`${base}/v1/chat/completions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: text }] }),
  });
}

/** A webhook with `message` for the agent. */
export async function webhook(edge: string, token: string, message: string): Promise<Response> {
  return fetch(`${edge}/hooks/agent`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ message }),
  });
}
