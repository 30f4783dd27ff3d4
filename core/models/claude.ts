/**
 * What the generations of Claude differ in. Pure.
 *
 * Sources: https://platform.claude.com/docs/en/build-with-claude/thinking,
 * https://platform.claude.com/docs/en/build-with-claude/effort,
 * https://platform.claude.com/docs/en/build-with-claude/fast-mode and the overview page of each model.
 */
import type { Thinking } from "./model.ts";

export interface ClaudeTraits {
  /** `budget`: told in tokens; `effort`: the model decides, and is told how hard to try. */
  readonly thinking: "none" | "budget" | "effort";
  readonly levels: readonly Thinking[];
  readonly default: Thinking;
  /** How it is asked not to think; `never`: it cannot be. */
  readonly off: "omit" | "disabled" | "between_tools" | "never";
  /** Whether it takes a temperature while it does not think. */
  readonly sampling: boolean;
  /** The faster service it has. */
  readonly fast: "speed" | "tier" | "none";
  readonly contextWindow: number;
  readonly maxTokens: number;
}

const BUDGETS = ["off", "minimal", "low", "medium", "high"] as const;
const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const;

const EARLY: ClaudeTraits = {
  thinking: "none",
  levels: ["off"],
  default: "off",
  off: "omit",
  sampling: true,
  fast: "tier",
  contextWindow: 200_000,
  maxTokens: 8_192,
};
const BUDGET: ClaudeTraits = { ...EARLY, thinking: "budget", levels: BUDGETS, maxTokens: 64_000 };
const ADAPTIVE: ClaudeTraits = {
  ...EARLY,
  thinking: "effort",
  levels: ["off", "low", "medium", "high", "adaptive", "max"],
  contextWindow: 1_000_000,
  maxTokens: 128_000,
};
const FULL: ClaudeTraits = {
  ...ADAPTIVE,
  levels: ["off", "low", "medium", "high", "xhigh", "adaptive", "max"],
  sampling: false,
};
/** Thinks unless it is told not to. */
const FIFTH: ClaudeTraits = { ...FULL, default: "high", off: "disabled", fast: "none" };
const ALWAYS: ClaudeTraits = { ...FIFTH, levels: EFFORTS, off: "never" };

/** By family and version; the first row whose version is not above wins. */
const GENERATIONS: readonly {
  readonly family: RegExp;
  readonly from: number;
  readonly traits: ClaudeTraits;
}[] = [
  { family: /fable|mythos/, from: 0, traits: ALWAYS },
  { family: /opus/, from: 505, traits: { ...ALWAYS, default: "medium", fast: "speed" } },
  { family: /sonnet/, from: 505, traits: { ...FIFTH, off: "between_tools" } },
  { family: /haiku/, from: 505, traits: { ...FIFTH, default: "medium" } },
  { family: /opus/, from: 500, traits: { ...FIFTH, fast: "speed" } },
  { family: /./, from: 500, traits: FIFTH },
  { family: /opus/, from: 408, traits: { ...FULL, fast: "speed" } },
  { family: /./, from: 407, traits: FULL },
  { family: /./, from: 406, traits: ADAPTIVE },
  { family: /./, from: 405, traits: BUDGET },
  { family: /opus/, from: 400, traits: { ...BUDGET, maxTokens: 32_000 } },
  { family: /./, from: 307, traits: BUDGET },
  { family: /./, from: 305, traits: EARLY },
  { family: /./, from: 0, traits: { ...EARLY, maxTokens: 4_096 } },
];

/** `claude-opus-4-7`, `claude-sonnet-4-20250514`, `anthropic/claude-opus-4.7`. */
const NEW_NAME =
  /claude-(?<family>opus|sonnet|haiku|fable|mythos)-(?<major>\d{1,2})(?:[-.](?<minor>\d{1,2}))?(?!\d)/;
/** `claude-3-7-sonnet-20250219` */
const OLD_NAME = /claude-(?<major>\d)(?:[-.](?<minor>\d))?-(?<family>opus|sonnet|haiku)/;

/** Undefined: not a Claude by its name. */
export function claudeTraits(model: string): ClaudeTraits | undefined {
  const found = (NEW_NAME.exec(model) ?? OLD_NAME.exec(model))?.groups;
  if (found === undefined) return undefined;
  const { family = "", major = "0", minor = "0" } = found;
  const version = Number(major) * 100 + Number(minor);
  return GENERATIONS.find((row) => version >= row.from && row.family.test(family))?.traits;
}
