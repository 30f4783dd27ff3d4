import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { logFileLine } from "./log-line.ts";

/** Files of earlier days are kept this long. */
const KEEP_DAYS = 7;
const DAY_MS = 86_400_000;
/** Lines that wait for the disk; what does not fit is counted, and missing. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

export interface LogFileSettings {
  /** Absolute. `YYYY-MM-DD` in its name stands for the day. */
  readonly path: string;
  readonly maxBytes: number;
  readonly now: () => number;
}

/**
 * Where the log file is, the day left open; undefined: there is none. Not in the shared temporary
 * folder, where everybody on this machine could read it or be there first.
 *
 * @param chosen - In the config.
 */
export function logPattern(
  stateDir: string,
  chosen: string | undefined,
  home: string,
): string | undefined {
  if (chosen === "") return undefined;
  if (chosen === undefined) return join(stateDir, "logs", "openclaw-YYYY-MM-DD.log");
  return resolve(stateDir, chosen.replace(/^~(?=$|[/\\])/, home));
}

/** The file of the day of `now`, UTC. Pure. */
export function logPathOf(path: string, now: number): string {
  return path.replaceAll("YYYY-MM-DD", new Date(now).toISOString().slice(0, 10));
}

/**
 * The log as a file, for people and programs that look later. It holds no more than `maxBytes`
 * twice, and files of earlier days for a week. A disk that fails costs lines and nothing else.
 */
export class LogFile implements AsyncDisposable {
  readonly #settings: LogFileSettings;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #file: { readonly path: string; readonly handle: FileHandle; size: number } | undefined;

  /** The file of this moment. */
  get path(): string {
    return logPathOf(this.#settings.path, this.#settings.now());
  }

  /** Makes its folder, for us alone, and clears away what is too old. */
  constructor(settings: LogFileSettings) {
    this.#settings = settings;
    try {
      mkdirSync(dirname(settings.path), { recursive: true, mode: 0o700 });
      prune(settings);
    } catch {
      // No folder, no file; the lines go to stderr all the same.
    }
  }

  /** @param line - As the logger writes it: JSON with its line break. */
  write(line: string): void {
    if (this.#waitingBytes > MAX_WAITING_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#flush().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when all that was written is in the file, or cannot be. */
  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flushed();
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  async #flush(): Promise<void> {
    // One write for all lines of this turn of the event loop.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        await this.#append(lines.map((line) => logFileLine(line, this.#dropped)).join(""));
        this.#dropped = 0;
      } catch {
        // A full disk or a folder that is gone: stderr has the lines, and the next try may work.
        this.#dropped += lines.length;
        await this.#close();
      }
    }
  }

  async #append(text: string): Promise<void> {
    const { maxBytes, now, path } = this.#settings;
    const today = logPathOf(path, now());
    if (this.#file?.path !== today) {
      await this.#close();
      const handle = await open(today, "a", 0o600);
      this.#file = { path: today, handle, size: (await handle.stat()).size };
    }
    if (this.#file.size > maxBytes) {
      await this.#close();
      await rename(today, olderOf(today));
      const handle = await open(today, "a", 0o600);
      this.#file = { path: today, handle, size: 0 };
    }
    await this.#file.handle.appendFile(text);
    this.#file.size += Buffer.byteLength(text);
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.handle.close().catch(() => undefined); // it is gone either way
  }
}

/** Where the first part of a day goes when there is too much of it. */
function olderOf(path: string): string {
  return path.replace(/(\.log)?$/, ".1$1");
}

function prune({ path, now }: LogFileSettings): void {
  if (!path.includes("YYYY-MM-DD")) return;
  const folder = dirname(path);
  const [before = "", after = ""] = basename(path).split("YYYY-MM-DD");
  for (const name of readdirSync(folder)) {
    const isOurs = name.startsWith(before) && (name.endsWith(after) || name.endsWith(`.1${after}`));
    if (!isOurs || !/\d{4}-\d\d-\d\d/.test(name)) continue;
    const file = join(folder, name);
    if (now() - statSync(file).mtimeMs > KEEP_DAYS * DAY_MS) rmSync(file, { force: true });
  }
}
