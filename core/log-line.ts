/**
 * Lines of the log file: JSON as the contract's clients read it. Pure.
 *
 * They look at `_meta.logLevelName`, `_meta.name`, `time` and `message`; programs of ours at `event`,
 * which is the constant part of the sentence, and at `facts`.
 */
import { hostname } from "node:os";
import * as z from "zod";

const OurLine = z.looseObject({
  level: z.string(),
  time: z.string(),
  msg: z.string().default(""),
  part: z.string().optional(),
});

/** Numbers of the levels, as the contract's logger counts them. */
const LEVEL_IDS: Readonly<Record<string, number>> = {
  silly: 0,
  trace: 1,
  debug: 2,
  info: 3,
  warn: 4,
  error: 5,
  fatal: 6,
};

/** Of this machine: asked for once, as each line has it. */
const HOSTNAME = hostname();

/** Longest value of a fact in the sentence for people; the whole of it is in `facts`. */
const MAX_FACT_UNITS = 200;

/**
 * @param line - One of our logger's, with its line break.
 * @param dropped - Lines before it that are missing.
 * @returns With its line break.
 */
export function logFileLine(line: string, dropped = 0): string {
  const parsed = OurLine.safeParse(parseJson(line));
  if (!parsed.success) return "";
  const { level, time, msg, part, ...facts } = parsed.data;
  const told = dropped === 0 ? facts : { ...facts, droppedLines: dropped };
  const message = [msg, ...Object.entries(told).map(factText)].join(" ");
  const name = JSON.stringify({ subsystem: part ?? "gateway" });
  return `${JSON.stringify({
    "0": name,
    "1": message,
    _meta: {
      runtime: "node",
      hostname: HOSTNAME,
      name,
      date: time,
      logLevelId: LEVEL_IDS[level] ?? LEVEL_IDS["info"],
      logLevelName: level.toUpperCase(),
    },
    time,
    hostname: HOSTNAME,
    message,
    event: msg,
    facts: told,
  })}\n`;
}

const FileLine = z.looseObject({
  time: z.string().optional(),
  message: z.string().optional(),
  "1": z.unknown().optional(),
  _meta: z
    .looseObject({
      date: z.string().optional(),
      logLevelName: z.string().optional(),
      name: z.string().optional(),
    })
    .optional(),
});

/** One line of a log file, as it is shown. */
export interface ShownLine {
  readonly time: string | undefined;
  readonly level: string | undefined;
  readonly part: string | undefined;
  readonly message: string;
}

/** Any line of any gateway of the contract; undefined for what is none. */
export function readLogLine(line: string): ShownLine | undefined {
  const parsed = FileLine.safeParse(parseJson(line));
  if (!parsed.success) return undefined;
  const { time, message, "1": text, _meta: meta } = parsed.data;
  const name = z.object({ subsystem: z.string() }).safeParse(parseJson(meta?.name ?? ""));
  return {
    time: time ?? meta?.date,
    level: meta?.logLevelName?.toLowerCase(),
    part: name.success ? name.data.subsystem : undefined,
    message: message ?? (typeof text === "string" ? text : ""),
  };
}

function factText([key, value]: readonly [string, unknown]): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return `${key}=${text.slice(0, MAX_FACT_UNITS)}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut off, or no line of ours
  }
}
