/** Which efforts models of OpenAI's language take, and what they do by themselves. Pure. */
import { claudeTraits } from "./claude.ts";
import type { Thinking } from "./model.ts";
import { nearestThinking, NO_THINKING, type ThinkingProfile } from "./thinking.ts";

const CLASSIC = ["low", "medium", "high"] as const;
const FIRST = ["minimal", ...CLASSIC] as const;
const USUAL = ["off", ...CLASSIC] as const;

/**
 * By the model's own name, wherever it is served; the first row that fits counts.
 *
 * Source: https://developers.openai.com/api/docs/guides/reasoning and the page of each model.
 */
const KNOWN: readonly { readonly name: RegExp; readonly profile: ThinkingProfile }[] = [
  { name: /(?:^|\/)gpt-5(?:\.\d+)?-chat/, profile: NO_THINKING },
  { name: /(?:^|\/)gpt-5-pro/, profile: { levels: ["high"], default: "high" } },
  {
    name: /(?:^|\/)gpt-(?:5\.(?:[6-9]|\d\d)|[6-9])/,
    profile: { levels: [...USUAL, "xhigh", "max"], default: "medium" },
  },
  { name: /(?:^|\/)gpt-5\.5/, profile: { levels: [...USUAL, "xhigh"], default: "medium" } },
  { name: /(?:^|\/)gpt-5\.[2-4]/, profile: { levels: [...USUAL, "xhigh"], default: "off" } },
  { name: /(?:^|\/)gpt-5\.1/, profile: { levels: USUAL, default: "off" } },
  { name: /(?:^|\/)gpt-5/, profile: { levels: FIRST, default: "medium" } },
  { name: /(?:^|\/)gpt-[34]/, profile: NO_THINKING },
  { name: /(?:^|\/)gpt-oss/, profile: { levels: CLASSIC, default: "medium" } },
  { name: /(?:^|\/)o1-mini|(?:^|\/)o1-preview/, profile: NO_THINKING },
  { name: /(?:^|\/)o[134](?:-|$)/, profile: { levels: CLASSIC, default: "medium" } },
  {
    name: /(?:^|\/)gemini-(?:[3-9]|2\.5-pro)/,
    profile: { levels: [...CLASSIC, "adaptive"], default: "adaptive" },
  },
  {
    name: /(?:^|\/)gemini-2\.5/,
    profile: { levels: [...USUAL, "adaptive"], default: "adaptive" },
  },
  { name: /(?:^|\/)gemini-/, profile: NO_THINKING },
  { name: /(?:^|\/)grok-3-mini/, profile: { levels: ["low", "high"], default: "low" } },
  { name: /(?:^|\/)magistral/, profile: { levels: USUAL, default: "medium" } },
];

/** What is known of a model that the config says more of than its name does. */
export interface EffortFacts {
  readonly reasoning?: boolean | undefined;
  /** As the provider calls them. */
  readonly efforts?: readonly string[] | undefined;
}

/** Undefined: nothing is known, so that one may try. */
export function effortProfile(
  model: string,
  { reasoning, efforts }: EffortFacts = {},
): ThinkingProfile | undefined {
  const name = model.toLowerCase();
  const known = KNOWN.find((row) => row.name.test(name))?.profile ?? ofClaude(name);
  if (efforts !== undefined && efforts.length > 0) {
    const levels = ALL.filter((level) => efforts.includes(effortOf(level) ?? "adaptive"));
    const fallback = nearestThinking(known?.default ?? "medium", levels);
    return { levels, default: fallback };
  }
  if (reasoning === false) return NO_THINKING;
  return known ?? (reasoning === true ? { levels: USUAL, default: "medium" } : undefined);
}

const ALL = ["off", "minimal", "low", "medium", "high", "xhigh", "adaptive", "max"] as const;

/** Behind a server that speaks this language in front of them. */
function ofClaude(name: string): ThinkingProfile | undefined {
  const traits = claudeTraits(name);
  return traits && { levels: traits.levels, default: traits.default };
}

export type Effort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";

/** Undefined: it is left to the provider. */
export function effortFor(
  wanted: Thinking | undefined,
  model: string,
  facts?: EffortFacts,
): Effort | undefined {
  if (wanted === undefined) return undefined;
  const levels = effortProfile(model, facts)?.levels ?? [...USUAL, "adaptive"];
  // A model that knows nothing else is told nothing.
  if (levels.length === 1 && levels[0] === "off") return undefined;
  return effortOf(nearestThinking(wanted, levels));
}

function effortOf(level: Thinking): Effort | undefined {
  if (level === "adaptive") return undefined;
  return level === "off" ? "none" : level;
}
