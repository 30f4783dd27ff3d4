import { type Level, formatLogLine, parseLogLine } from "./log-view.ts";

export interface SinkSettings {
  /** For scripts: the lines as they came. For people: short, and without what is for debugging. */
  readonly raw: boolean;
  readonly write: (text: string) => void;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

/** Lines kept while starting; the newest tell why it failed. */
const MAX_HELD_LINES = 200;

/** How our commands and how uncaught errors begin. */
const LAST_WORDS = /^(?:sallyport: |(?:[A-Za-z]*Error|Uncaught)\b)/;

/** Shown to people. */
const SHOWN: ReadonlySet<Level> = new Set(["info", "warn", "error"]);

/**
 * Where the logs of both processes come together. Holds them back until the start has succeeded: a
 * failed one is told in one line of our own.
 */
export class LogSink {
  readonly #settings: SinkSettings;
  #held: string[] | undefined = [];
  #lastError: string | undefined;

  constructor(settings: SinkSettings) {
    this.#settings = settings;
  }

  /** What went wrong last, as the process itself said it. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Takes one line of a process. */
  take(text: string): void {
    const line = parseLogLine(text);
    // Not a log line of ours: a command's one line, or the last words of a runtime, which come with
    // a place above and a stack below.
    if (line === undefined && LAST_WORDS.test(text)) this.#lastError = text.trim();
    if (line?.level === "error") this.#lastError = [line.message, ...line.facts].join("  ");
    if (this.#settings.raw) {
      this.#write(`${text}\n`);
    } else if (line === undefined) {
      this.#write(`${text}\n`);
    } else if (SHOWN.has(line.level)) {
      this.#write(`${formatLogLine(line, this.#settings.now())}\n`);
    }
  }

  /** Adds a line of the launcher's own. */
  note(level: Level, message: string, facts: Readonly<Record<string, string | number>>): void {
    this.take(JSON.stringify({ level, time: this.#settings.now(), msg: message, ...facts }));
  }

  /** The start has succeeded: what was held is shown, and from now on everything at once. */
  open(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const text of held) this.#settings.write(text);
  }

  #write(text: string): void {
    if (this.#held === undefined) {
      this.#settings.write(text);
      return;
    }
    this.#held.push(text);
    if (this.#held.length > MAX_HELD_LINES) this.#held.shift();
  }
}
