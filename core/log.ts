import { type DestinationStream, type Logger, pino } from "pino";

export type LogLevel = "silent" | "fatal" | "error" | "warn" | "info" | "debug" | "trace";

/** Keys whose values are credentials wherever they turn up, in lower case. */
const CREDENTIAL_KEYS: ReadonlySet<string> = new Set([
  "apikey",
  "api_key",
  "authorization",
  "bottoken",
  "cookie",
  "pairing",
  "password",
  "proxy-authorization",
  "secret",
  "set-cookie",
  "token",
  "x-api-key",
  "x-openclaw-token",
  "x-telegram-bot-api-secret-token",
]);

/** How deep credentials are looked for: a line is flat, but what it holds may have headers in it. */
const REDACT_DEPTH = 4;

/** Longest text of an error that is logged: providers put whole answers into theirs. */
const MAX_MESSAGE_LENGTH = 500;
/** Errors behind errors that are shown. */
const MAX_CAUSES = 3;

/**
 * The root of all logging in the core: one JSON line an event. Parts get a child with their name,
 * `log.child({ part: "tunnel" })`, handed to them.
 *
 * @param destination - Gets whole lines, and is not closed.
 */
export function createLog(level: LogLevel, destination: DestinationStream): Logger {
  const children = new Set<WeakRef<Logger>>();
  const root = pino(
    {
      level,
      onChild: (child) => remember(children, child),
      base: null, // pid and host are the business of whoever collects the lines
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (facts) => redactTree(facts, REDACT_DEPTH),
      },
      // For the facts of children, which no formatter sees; they are flat and ours.
      redact: { paths: ["token", "secret", "password", "apiKey", "botToken"], censor: "[secret]" },
      serializers: { err: loggedError },
    },
    destination,
  );
  families.set(root, children);
  return root;
}

/** Children of each root: pino gives a child its parent's level once, and never again. */
const families = new WeakMap<Logger, Set<WeakRef<Logger>>>();

/** Sets the level of a root and of all that came from it. */
export function setLogLevel(root: Logger, level: LogLevel): void {
  root.level = level;
  for (const child of families.get(root) ?? []) {
    const logger = child.deref();
    if (logger !== undefined) logger.level = level;
  }
}

/** Forgets those that are gone, whenever the set has doubled: it stays as small as what is in use. */
function remember(children: Set<WeakRef<Logger>>, child: Logger): void {
  children.add(new WeakRef(child));
  const isPowerOfTwo = (children.size & (children.size - 1)) === 0;
  if (!isPowerOfTwo) return;
  for (const one of children) {
    if (one.deref() === undefined) children.delete(one);
  }
}

/**
 * The facts with credentials covered. pino's own `redact`, told of every key at every depth, takes
 * twenty times as long as writing the line, and knows a header in one spelling only.
 */
function redactTree(facts: Record<string, unknown>, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [
      key,
      CREDENTIAL_KEYS.has(key.toLowerCase()) ? "[secret]" : redact(value, depth - 1),
    ]),
  );
}

function redact(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  // Deeper than anything we log on purpose: left out rather than let through unseen.
  if (depth <= 0) return "[nested]";
  if (Array.isArray(value)) return value.map((one: unknown) => redact(one, depth - 1));
  // Errors, dates and the like have serializers of their own.
  return isPlain(value) ? redactTree({ ...value }, depth) : value;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** What the log says of an error: never a body, a header or any other field that it carries. */
export interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  /** Places in our code, without the message. */
  readonly stack?: readonly string[];
  readonly cause?: LoggedError;
}

/** Pure; any thrown value will do. */
export function loggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: "not an error object" };
  const { cause } = error;
  return {
    type: error.name,
    message: cleanText(error.message, MAX_MESSAGE_LENGTH),
    ...codeOf(error),
    ...(error.stack === undefined ? {} : { stack: placesOf(error.stack, error.message) }),
    ...(cause === undefined || depth + 1 >= MAX_CAUSES
      ? {}
      : { cause: loggedError(cause, depth + 1) }),
  };
}

function codeOf(error: Error): { readonly code?: string } {
  if (!("code" in error)) return {};
  const { code } = error;
  return typeof code === "string" || typeof code === "number"
    ? { code: cleanText(String(code), 64) }
    : {};
}

function placesOf(stack: string, message: string): string[] {
  // The message comes first, and a peer may have written it to look like a place.
  return stack
    .slice(stack.indexOf(message) + message.length)
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 10)
    .map((line) => line.trim());
}

/** Control characters, line and paragraph separators, and what turns the writing direction round. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Text from a peer (a user agent, a close reason, an error of a provider), fit for a log line:
 * without characters that could forge another line or hide in a terminal, and cut to length.
 */
export function cleanText(text: string, maxLength = 200): string {
  // Cut before the search, so that nobody can make it long; and again, since both ends may differ.
  const clean = text.slice(0, maxLength + 1).replaceAll(UNPRINTABLE, "\uFFFD");
  return clean.length <= maxLength ? clean : `${clean.slice(0, maxLength - 1).toWellFormed()}…`;
}
