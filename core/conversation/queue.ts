/** What becomes of messages that come while a turn of their session goes on. Pure. */
import type { SessionSettings } from "../store/session.ts";

export const QUEUE_MODES = ["steer", "followup", "collect", "interrupt"] as const;

/**
 * `steer`: told to the turn under way, before its model is asked again; if it is not, a turn after
 * it. `followup`: a turn each. `collect`: all of them one turn. `interrupt`: the turn under way ends.
 */
export type QueueMode = (typeof QUEUE_MODES)[number];

export interface QueueRules {
  readonly mode: QueueMode;
  /** Milliseconds that must be quiet before what was collected is answered. */
  readonly debounceMs: number;
  /** Messages of one turn. */
  readonly cap: number;
  /** What becomes of those beyond. */
  readonly drop: "summarize" | "old" | "new";
}

/** As the config has it. */
export interface QueueConfig extends QueueRules {
  readonly byChannel: Readonly<Record<string, QueueMode>>;
  readonly debounceMsByChannel: Readonly<Record<string, number>>;
}

export const QUEUE_DEFAULTS: QueueConfig = {
  mode: "steer",
  debounceMs: 500,
  cap: 20,
  drop: "summarize",
  byChannel: {},
  debounceMsByChannel: {},
};

/**
 * The session's wish counts before its channel's, that one before the gateway's.
 *
 * @param channel - That a message came on; undefined: none.
 * @param own - The message's own wish.
 */
export function queueRules(
  settings: SessionSettings,
  config: QueueConfig,
  channel?: string,
  own?: QueueMode,
): QueueRules {
  const { mode, debounceMs, cap, drop } = config;
  const { queueMode, queueDebounceMs, queueCap, queueDrop } = settings;
  return {
    mode: own ?? modeOf(queueMode) ?? of(config.byChannel, channel) ?? mode,
    debounceMs:
      atLeast(0, queueDebounceMs) ?? of(config.debounceMsByChannel, channel) ?? debounceMs,
    cap: atLeast(1, queueCap) ?? cap,
    drop: dropOf(queueDrop) ?? drop,
  };
}

function modeOf(value: unknown): QueueMode | undefined {
  return QUEUE_MODES.find((mode) => mode === value);
}

function dropOf(value: unknown): QueueRules["drop"] | undefined {
  return (["summarize", "old", "new"] as const).find((drop) => drop === value);
}

function atLeast(least: number, value: unknown): number | undefined {
  return typeof value === "number" && value >= least ? value : undefined;
}

function of<T>(table: Readonly<Record<string, T>>, name: string | undefined): T | undefined {
  return name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Units of a message that was left out, in the line that stands for it. */
const LINE_UNITS = 160;

/** What is told of more messages than one turn takes, oldest first. */
export function capped(
  texts: readonly string[],
  { cap, drop }: Pick<QueueRules, "cap" | "drop">,
): { readonly from: number; readonly to: number; readonly note: string | undefined } {
  const over = Math.max(0, texts.length - cap);
  if (drop === "new") return { from: 0, to: texts.length - over, note: undefined };
  const lines = texts.slice(0, over).map((text) => `- ${lineOf(text)}`);
  const note =
    drop === "summarize" && over > 0
      ? `[${over} earlier messages, shortened]\n${lines.join("\n")}`
      : undefined;
  return { from: over, to: texts.length, note };
}

function lineOf(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > LINE_UNITS ? `${line.slice(0, LINE_UNITS).toWellFormed()}…` : line;
}
