/** Settings of a session that a command shows and sets. Pure. */
import { THINKING_LEVELS } from "../../models/model.ts";
import { parseThinking } from "../../models/thinking.ts";
import type { SessionSettings, Setting } from "../../store/session.ts";
import type { CommandName } from "./table.ts";

export type ChoiceName = Extract<
  CommandName,
  "think" | "fast" | "verbose" | "reasoning" | "usage" | "queue" | "activation" | "send"
>;

interface ChoiceSpec {
  readonly title: string;
  /** Its name among the session's settings. */
  readonly setting: string;
  /** What may be said, the words that are shown to people first; null: as everywhere else. */
  readonly values: Readonly<Record<string, Setting>>;
  /** Other words for some of them. */
  readonly also?: Readonly<Record<string, string>>;
  /** The value that a word stands for; undefined: none. Default: by `values` and `also`. */
  readonly read?: (word: string) => string | undefined;
}

export const CHOICES: Readonly<Record<ChoiceName, ChoiceSpec>> = {
  think: {
    title: "Thinking",
    setting: "thinkingLevel",
    values: Object.fromEntries(THINKING_LEVELS.map((level) => [level, level])),
    read: parseThinking,
  },
  fast: {
    title: "Fast service",
    setting: "fastMode",
    values: { on: true, off: false, auto: "auto" },
  },
  verbose: {
    title: "Tools named in answers",
    setting: "verboseLevel",
    values: { on: "on", full: "full", off: "off" },
  },
  reasoning: {
    title: "What was thought is told",
    setting: "reasoningLevel",
    values: { on: "on", stream: "stream", off: "off" },
  },
  usage: {
    title: "Tokens under answers",
    setting: "responseUsage",
    values: { tokens: "tokens", full: "full", off: "off" },
    also: { on: "tokens" },
  },
  queue: {
    title: "Messages during a turn",
    setting: "queueMode",
    values: {
      steer: "steer",
      followup: "followup",
      collect: "collect",
      interrupt: "interrupt",
    },
    also: { "follow-up": "followup" },
  },
  activation: {
    title: "In this group I answer",
    setting: "groupActivation",
    values: { mention: "mention", always: "always" },
  },
  send: {
    title: "Writing in this session",
    setting: "sendPolicy",
    values: { on: "allow", off: "deny" },
    also: { allow: "on", deny: "off" },
  },
};

/** Words for: as everywhere else. */
const DEFAULTS: ReadonlySet<string> = new Set(["default", "inherit", "clear", "reset", "unpin"]);

export function isChoice(name: CommandName): name is ChoiceName {
  return Object.hasOwn(CHOICES, name);
}

/** What a session has, in the word that sets it. */
export function chosen(name: ChoiceName, settings: SessionSettings, fallback = "default"): string {
  const { setting, values } = CHOICES[name];
  const value = settings[setting];
  if (value === undefined) return fallback;
  const word = Object.entries(values).find(([, one]) => one === value)?.[0];
  return word ?? String(value);
}

/** What is said when nothing is asked for. */
export function shown(name: ChoiceName, settings: SessionSettings, fallback?: string): string {
  const current = chosen(name, settings, fallback);
  return `${CHOICES[name].title}: ${current}.\nTo change it: \`/${name} ${wordsOf(name)}\``;
}

export type Choice =
  | {
      readonly ok: true;
      readonly settings: Readonly<Record<string, Setting | null>>;
      /** Fit for people. */
      readonly said: string;
    }
  | { readonly ok: false; readonly said: string };

/** What words after a command ask for. */
export function choose(name: ChoiceName, args: string): Choice {
  const { title, setting, values } = CHOICES[name];
  const word = args.trim().toLowerCase().replaceAll(/\s+/g, " ");
  if (DEFAULTS.has(word)) {
    return { ok: true, settings: { [setting]: null }, said: `${title}: as by default.` };
  }
  const known = meant(name, word);
  const value = Object.hasOwn(values, known) ? values[known] : undefined;
  if (value === undefined) {
    return { ok: false, said: `That is none of: ${wordsOf(name, ", ")}. Nothing has changed.` };
  }
  return { ok: true, settings: { [setting]: value }, said: `${title}: ${known}.` };
}

function meant(name: ChoiceName, word: string): string {
  const { also = {}, read } = CHOICES[name];
  const other = Object.hasOwn(also, word) ? also[word] : undefined;
  return read?.(word) ?? other ?? word;
}

export function wordsOf(name: ChoiceName, between = " | "): string {
  return [...Object.keys(CHOICES[name].values), "default"].join(between);
}
