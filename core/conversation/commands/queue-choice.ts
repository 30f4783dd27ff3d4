/** `/queue`, which takes more than one word. Pure. */
import type { SessionSettings, Setting } from "../../store/session.ts";
import { type QueueConfig, queueRules } from "../queue.ts";
import { type Choice, choose, wordsOf } from "./choices.ts";

/** Longest quiet that can be waited for, and most messages of one turn: more is a slip. */
const MAX_DEBOUNCE_MS = 3_600_000;
const MAX_CAP = 1_000;
const DROPS = ["summarize", "old", "new"] as const;
const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const NONE = { queueMode: null, queueDebounceMs: null, queueCap: null, queueDrop: null } as const;

export function queueText(
  settings: SessionSettings,
  config: QueueConfig,
  channel: string | undefined,
): string {
  const { mode, debounceMs, cap, drop } = queueRules(settings, config, channel);
  return [
    `Messages during a turn: ${mode}, after ${debounceMs} ms of quiet, at most ${cap} at once (beyond: ${drop}).`,
    `To change it: \`/queue ${wordsOf("queue")}\`, with \`debounce:2s cap:20 drop:${DROPS.join("|")}\``,
  ].join("\n");
}

/** A mode, options, or both; `default` goes back with all of them. */
export function chooseQueue(args: string): Choice {
  const [first = "", ...others] = args.toLowerCase().split(/\s+/);
  const hasMode = !first.includes(":");
  const mode: Choice = hasMode ? choose("queue", first) : AS_BEFORE;
  if (!mode.ok) return mode;
  const words = hasMode ? others : [first, ...others];
  const options = optionsOf(words);
  if (options === undefined) return { ok: false, said: OPTIONS };
  const isDefault = mode.settings["queueMode"] === null;
  const settings = { ...(isDefault ? NONE : mode.settings), ...options };
  const also = words.length === 0 ? "" : ` Options: ${words.join(", ")}.`;
  return { ok: true, settings, said: `${mode.said}${also}` };
}

const AS_BEFORE = { ok: true, settings: {}, said: "Messages during a turn: as before." } as const;

function optionsOf(words: readonly string[]): Readonly<Record<string, Setting>> | undefined {
  const options: Record<string, Setting> = {};
  for (const word of words) {
    const option = optionOf(word);
    if (option === undefined) return undefined;
    Object.assign(options, option);
  }
  return options;
}

const OPTIONS = `Options are: debounce:<time>, cap:<number>, drop:${DROPS.join("|")}. Nothing has changed.`;

function optionOf(word: string): Readonly<Record<string, Setting>> | undefined {
  const [name = "", value = "", ...rest] = word.split(":");
  if (rest.length > 0) return undefined;
  if (name === "drop") {
    const drop = DROPS.find((one) => one === value);
    return drop && { queueDrop: drop };
  }
  if (name === "cap") {
    const cap = /^\d{1,4}$/.test(value) ? Number(value) : 0;
    return cap >= 1 && cap <= MAX_CAP ? { queueCap: cap } : undefined;
  }
  return name === "debounce" ? debounceOf(value) : undefined;
}

function debounceOf(value: string): Readonly<Record<string, Setting>> | undefined {
  const ms = milliseconds(value);
  return ms === undefined || ms > MAX_DEBOUNCE_MS ? undefined : { queueDebounceMs: ms };
}

/** A bare number is milliseconds. */
function milliseconds(text: string): number | undefined {
  const { number, unit = "ms" } =
    /^(?<number>\d{1,7}(?:\.\d{1,3})?)(?<unit>ms|s|m|h)?$/.exec(text)?.groups ?? {};
  const factor = UNITS_MS[unit];
  return number === undefined || factor === undefined
    ? undefined
    : Math.round(Number(number) * factor);
}
