import * as z from "zod";

/**
 * A log line of the core or the edge, short and for people. Pure.
 */

/** Both write one JSON object a line: pino numbers its levels, the edge names them. */
const Line = z.looseObject({
  level: z.union([z.number(), z.string()]),
  time: z.union([z.number(), z.string()]).optional(),
  msg: z.string().optional(),
  event: z.string().optional(),
});

export type Level = "debug" | "info" | "warn" | "error";

export interface LogLine {
  readonly level: Level;
  /** Unix ms; undefined when the line has none. */
  readonly at: number | undefined;
  readonly message: string;
  /** `key=value`, the few that help a person. */
  readonly facts: readonly string[];
}

/** A fact longer than this is cut: a line should stay a line. */
const MAX_FACT_CHARS = 120;
/** But for what happened and why: the remedy stands at its end. */
const MAX_TOLD_CHARS = 600;
const MAX_FACTS = 8;

/** Left out: what every line has, and what only machines read. */
const HIDDEN = new Set([
  "level",
  "time",
  "timestamp",
  "msg",
  "event",
  "pid",
  "hostname",
  "v",
  "requestId",
  "stack",
]);

/** The line as facts; undefined when it is not one of our log lines. */
export function parseLogLine(text: string): LogLine | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // Not ours: a runtime's own words. The caller shows them as they are.
  }
  const parsed = Line.safeParse(json);
  if (!parsed.success) return undefined;
  const { level, time, msg, event, ...rest } = parsed.data;
  const at = typeof time === "string" ? Date.parse(time) : time;
  return {
    level: levelOf(level),
    at: at === undefined || Number.isNaN(at) ? undefined : at,
    message: clean(msg ?? event ?? "", MAX_TOLD_CHARS),
    facts: Object.entries(rest)
      .filter(([key]) => !HIDDEN.has(key))
      .flatMap(([key, value]) => fact(key, value))
      .slice(0, MAX_FACTS),
  };
}

function levelOf(level: number | string): Level {
  if (typeof level === "string") {
    if (level === "warn" || level === "error" || level === "info") return level;
    return level === "fatal" ? "error" : "debug";
  }
  if (level >= 50) return "error";
  if (level >= 40) return "warn";
  return level >= 30 ? "info" : "debug";
}

function fact(key: string, value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (key === "err") return errorFact(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return [`${key}=${clean(text, key === "reason" ? MAX_TOLD_CHARS : MAX_FACT_CHARS)}`];
}

function errorFact(value: unknown): string[] {
  const parsed = z.object({ message: z.string() }).safeParse(value);
  const text = parsed.success ? parsed.data.message : JSON.stringify(value);
  return [`error=${clean(text, MAX_FACT_CHARS)}`];
}

/** A terminal obeys control characters, and a log line may quote a stranger. */
function clean(text: string, maxChars: number): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed
  const plain = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  return plain.length <= maxChars ? plain : `${plain.slice(0, maxChars - 1)}…`;
}

/** `12:34:56 warn  tunnel closed  part=tunnel code=1006` */
export function formatLogLine(line: LogLine, now: number): string {
  const time = new Date(line.at ?? now).toTimeString().slice(0, 8);
  return [`${time} ${line.level.padEnd(5)} ${line.message}`, ...line.facts].join("  ");
}
