/** How much models can be told to think, and what a wish becomes. Pure. */
import { THINKING_LEVELS, type Thinking } from "./model.ts";

export interface ThinkingProfile {
  /** What can be asked for, from least to most. */
  readonly levels: readonly Thinking[];
  /** What the provider does when nothing is asked for. */
  readonly default: Thinking;
}

/** Not told how much to think: it does not think, or nothing is known of it. */
export const NO_THINKING: ThinkingProfile = { levels: ["off"], default: "off" };

const ALIASES: ReadonlyMap<string, Thinking> = new Map([
  ["none", "off"],
  ["disabled", "off"],
  ["false", "off"],
  ["min", "minimal"],
  ["think", "minimal"],
  ["on", "low"],
  ["enabled", "low"],
  ["mid", "medium"],
  ["med", "medium"],
  ["highest", "high"],
  ["ultrathink", "high"],
  ["extrahigh", "xhigh"],
  ["auto", "adaptive"],
  ["ultra", "max"],
]);

/** A level as people write it; undefined when it is none. */
export function parseThinking(text: string): Thinking | undefined {
  const word = text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]/g, "");
  if (word === "xhigh") return "xhigh";
  return THINKING_LEVELS.find((level) => level === word) ?? ALIASES.get(word);
}

/** From least to most; how much `adaptive` is, the model decides. */
const LADDER = ["off", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
/** What stands for `adaptive` where nobody knows it. */
const MIDDLE = LADDER.indexOf("medium");

/**
 * The level of `levels` that comes nearest, never more than was asked for if there is one: thinking
 * costs money.
 */
export function nearestThinking(wanted: Thinking, levels: readonly Thinking[]): Thinking {
  if (levels.includes(wanted)) return wanted;
  const rank = wanted === "adaptive" ? MIDDLE : LADDER.indexOf(wanted);
  const known = levels.filter((level) => level !== "adaptive");
  // Who asks for thinking gets some: `off` is nearest only to itself.
  const some = wanted === "off" ? known : known.filter((level) => level !== "off");
  const below = some.findLast((level) => rankOf(level) <= rank);
  return below ?? some[0] ?? levels[0] ?? "off";
}

function rankOf(level: Thinking): number {
  return level === "adaptive" ? MIDDLE : LADDER.indexOf(level);
}
