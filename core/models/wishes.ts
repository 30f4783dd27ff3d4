/** What is asked of a model when neither a turn nor its session asks for anything. Pure. */
import type { AgentEntry } from "../config/agents.ts";
import type { Settings } from "../config/settings.ts";
import type { ProviderModel } from "../config/sections/models.ts";
import { claudeTraits } from "./claude.ts";
import { DEMO_REF } from "./settings.ts";
import type { Thinking } from "./model.ts";
import { effortProfile } from "./efforts.ts";
import { nearestThinking, NO_THINKING, parseThinking, type ThinkingProfile } from "./thinking.ts";

type Live = Pick<Settings, "config" | "providers">;

/** Undefined: the provider's default. An agent's own wish counts before its model's. */
export function thinkingWish(
  { wishes }: Pick<AgentEntry, "wishes">,
  ref: string,
  { config }: Pick<Live, "config">,
): Thinking | undefined {
  const { models, thinkingDefault } = config.agents.defaults;
  const ofModel = Object.hasOwn(models, ref) ? models[ref]?.params?.thinking : undefined;
  const wish = wishes?.thinking ?? ofModel ?? thinkingDefault;
  if (wish === undefined) return undefined;
  return wish === false ? "off" : parseThinking(wish);
}

/** `auto` is what there is without a wish. */
export function fastWish(
  { wishes }: Pick<AgentEntry, "wishes">,
  ref: string,
  { config }: Pick<Live, "config">,
): boolean | undefined {
  const { models, fastModeDefault } = config.agents.defaults;
  const ofModel = Object.hasOwn(models, ref) ? models[ref]?.params?.fastMode : undefined;
  const wish = wishes?.fast ?? fastModeDefault ?? ofModel;
  return wish === "auto" ? undefined : wish;
}

/**
 * How much a model can be told to think.
 *
 * @param facts - What the config says of it.
 */
export function profileOf(
  ref: string,
  facts: Pick<Partial<ProviderModel>, "reasoning" | "compat">,
  { providers }: Pick<Live, "providers">,
): ThinkingProfile {
  if (ref === DEMO_REF) return NO_THINKING;
  const at = ref.indexOf("/");
  const provider = ref.slice(0, at);
  const model = ref.slice(at + 1);
  const api = Object.hasOwn(providers, provider) ? providers[provider]?.api : undefined;
  if (api === "anthropic-messages") {
    const traits = claudeTraits(model);
    if (traits !== undefined) return { levels: traits.levels, default: traits.default };
    return facts.reasoning === true ? BUDGETED : NO_THINKING;
  }
  const { reasoning, compat } = facts;
  const thinks = compat?.supportsReasoningEffort === false ? false : reasoning;
  const efforts = compat?.supportedReasoningEfforts;
  return effortProfile(model, { reasoning: thinks, efforts }) ?? NO_THINKING;
}

const BUDGETED: ThinkingProfile = {
  levels: ["off", "minimal", "low", "medium", "high"],
  default: "off",
};

/** The same, as clients of the protocol read it. */
export interface ThinkingFacts {
  readonly thinkingLevels: readonly { readonly id: Thinking; readonly label: string }[];
  readonly thinkingOptions: readonly string[];
  readonly thinkingDefault: Thinking;
}

/** @param wish - What is asked for by default; undefined: the provider's own. */
export function thinkingFacts(profile: ThinkingProfile, wish?: Thinking): ThinkingFacts {
  const { levels } = profile;
  return {
    thinkingLevels: levels.map((level) => ({ id: level, label: level })),
    thinkingOptions: [...levels],
    thinkingDefault: wish === undefined ? profile.default : nearestThinking(wish, levels),
  };
}
