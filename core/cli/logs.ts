import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { readLogLine, type ShownLine } from "../log-line.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import type { Tail } from "./logs/feed.ts";
import { printable } from "./printable.ts";
import { type Target, targetOf, TARGET_OPTIONS } from "./target.ts";

/** Longer than any line of ours, and short enough for a terminal. */
const MAX_LINE_UNITS = 4_096;
const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
const DEFAULT_BYTES = 250_000;
const COLOURS: Readonly<Record<string, string>> = {
  warn: "\u001B[33m",
  error: "\u001B[31m",
  fatal: "\u001B[31m",
};
const PLAIN = "\u001B[0m";

const OPTIONS = {
  ...TARGET_OPTIONS,
  follow: { type: "boolean", short: "f" },
  limit: { type: "string" },
  "max-bytes": { type: "string" },
  interval: { type: "string" },
  level: { type: "string" },
  part: { type: "string" },
  json: { type: "boolean" },
  plain: { type: "boolean" },
  utc: { type: "boolean" },
} as const;

const Wanted = z.object({
  limit: z.coerce.number().int().min(1).max(5_000).default(200),
  "max-bytes": z.coerce.number().int().min(1).max(1_000_000).optional(),
  interval: z.coerce.number().int().min(100).max(60_000).default(1_000),
  level: z.enum(LEVELS).optional(),
  part: z.string().min(1).max(64).optional(),
});
type Wanted = z.output<typeof Wanted>;

/** What each of them may be. */
const RULES: ReadonlyMap<string, string> = new Map([
  ["limit", "must be a number from 1 to 5000"],
  ["max-bytes", "must be a number from 1 to 1000000"],
  ["interval", "must be a number of milliseconds from 100 to 60000"],
  ["level", `must be one of ${LEVELS.join(", ")}`],
  ["part", "must be the name of a part, like http or tunnel"],
]);

interface Show {
  readonly json: boolean;
  readonly utc: boolean;
  readonly colours: boolean;
}

export const logs: Command = {
  usage:
    "logs [--follow] [--limit N] [--level L] [--part P] [--json] [--plain] [--utc] [--interval MS] " +
    "[--url URL] [--token T] [--password P] [--port N]",
  summary: "Show the log of a running gateway, and go on with --follow",

  async run(args, io) {
    const { values, positionals } = parseFlags(args, OPTIONS);
    const wanted = Wanted.safeParse(values);
    if (!wanted.success || positionals.length > 0) {
      const name = String(wanted.error?.issues[0]?.path[0] ?? "");
      const what = RULES.get(name) ?? "takes flags alone";
      throw new GatewayError("invalid_request", `${name === "" ? "logs" : `--${name}`} ${what}`);
    }
    const show = {
      json: values.json === true,
      utc: values.utc === true,
      colours: io.colours && values.plain !== true,
    };
    const target = await targetOf(values, io);
    await follow(target, wanted.data, show, { io, goOn: values.follow === true });
    return 0;
  },
};

async function follow(
  target: Target,
  wanted: Wanted,
  show: Show,
  { io, goOn }: { readonly io: Io; readonly goOn: boolean },
): Promise<void> {
  const { feedOf, MOST } = await import("./logs/feed.ts");
  const isFiltered = wanted.level !== undefined || wanted.part !== undefined;
  const how = {
    // Those that are wanted have to be found among the others first.
    limit: isFiltered ? MOST.lines : wanted.limit,
    maxBytes: wanted["max-bytes"] ?? (isFiltered ? MOST.bytes : DEFAULT_BYTES),
    intervalMs: wanted.interval,
    goOn,
  };
  let isFirst = true;
  for await (const tail of feedOf(target, how, io)) {
    const found = tail.lines.filter((raw) => isWanted(readLogLine(raw), wanted));
    const shown = isFirst ? found.slice(-wanted.limit) : found;
    if (isFirst) begin(tail, isFiltered && found.length < wanted.limit, show, io);
    for (const raw of shown) print(raw, show, io);
    isFirst = false;
  }
}

/** @param wantsMore - Fewer were found than were asked for. */
function begin(tail: Tail, wantsMore: boolean, show: Show, io: Io): void {
  const { file, cursor, size, lines, truncated } = tail;
  if (show.json) io.out(JSON.stringify({ type: "meta", file, cursor, size }));
  if (truncated && wantsMore) {
    io.err(`only the last ${lines.length} lines of the log were looked through`);
  }
}

/** Pure. What is no line of a gateway's log has neither level nor part. */
function isWanted(line: ShownLine | undefined, { level, part }: Wanted): boolean {
  if (part !== undefined && line?.part !== part) return false;
  return level === undefined || rankOf(line?.level) >= LEVELS.indexOf(level);
}

function print(raw: string, show: Show, io: Io): void {
  const line = readLogLine(raw);
  if (line === undefined) io.out(printable(raw, MAX_LINE_UNITS));
  else if (show.json) {
    const { time, message } = line;
    io.out(JSON.stringify({ type: "log", time, level: line.level, part: line.part, message, raw }));
  } else io.out(textOf(line, show));
}

function rankOf(level: string | undefined): number {
  return LEVELS.findIndex((one) => one === level);
}

/** Pure. */
function textOf({ time, level = "", part = "", message }: ShownLine, show: Show): string {
  const text = [timeText(time, show.utc), level.padEnd(5), part, printable(message, MAX_LINE_UNITS)]
    .filter((piece) => piece !== "")
    .join(" ");
  const colour = show.colours ? COLOURS[level] : undefined;
  return colour === undefined ? text : `${colour}${text}${PLAIN}`;
}

function timeText(time: string | undefined, utc: boolean): string {
  if (time === undefined || Number.isNaN(Date.parse(time))) return "";
  const at = new Date(time);
  if (utc) return at.toISOString();
  // The clock of this machine, in the same form: sorted as it is read.
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, -1);
}
