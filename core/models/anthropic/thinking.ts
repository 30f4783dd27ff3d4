/** How much is thought -> the fields of Anthropic's Messages API that say so. Pure. */
import type Anthropic from "@anthropic-ai/sdk";
import { type ClaudeTraits, claudeTraits } from "../claude.ts";
import type { ModelRequest, Thinking } from "../model.ts";
import { nearestThinking } from "../thinking.ts";

type Params = Anthropic.MessageCreateParamsStreaming;
type Fields = Pick<Params, "max_tokens" | "thinking" | "tool_choice"> & {
  readonly temperature?: number;
  readonly effort?: NonNullable<Anthropic.OutputConfig["effort"]>;
};

/** The API demands a number; every model on sale can write this much. */
const DEFAULT_MAX_OUTPUT_TOKENS = 8_192;
/** With what is thought, which counts as output too. */
const THINKING_MAX_OUTPUT_TOKENS = 32_000;
/** The least the API takes. */
const MIN_BUDGET = 1_024;

const BUDGETS: Readonly<Record<string, number>> = {
  minimal: MIN_BUDGET,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
};

/** Not a Claude by its name, but of a server that speaks the same language. */
const OTHER: ClaudeTraits = {
  thinking: "budget",
  levels: ["off", "minimal", "low", "medium", "high"],
  default: "off",
  off: "omit",
  sampling: true,
  fast: "none",
  contextWindow: 0,
  maxTokens: 64_000,
};

export function traitsOf(model: string): ClaudeTraits {
  return claudeTraits(model) ?? OTHER;
}

/**
 * @param choice - Of a tool, as it would be without thinking.
 * @param id - Of the model, as its thoughts name it.
 */
export function thinkingFields(
  traits: ClaudeTraits,
  request: ModelRequest,
  choice: Params["tool_choice"],
  id: string,
): Fields {
  const level = levelOf(traits, request, choice, id);
  const thinks = level !== "off";
  const mayForce = !thinks || choice === undefined || choice.type === "auto";
  const common = {
    ...temperatureOf(traits, thinks, request),
    ...(choice === undefined ? {} : { tool_choice: mayForce ? choice : unforced(choice) }),
  };
  if (traits.thinking === "budget" && thinks)
    return { ...common, ...budgetOf(level, request, traits) };
  const max = thinks ? THINKING_MAX_OUTPUT_TOKENS : DEFAULT_MAX_OUTPUT_TOKENS;
  const max_tokens = request.maxOutputTokens ?? Math.min(max, traits.maxTokens);
  return { ...common, max_tokens, ...effortOf(level, request, traits) };
}

/** Forced calls and thinking do not go together: where it can be, thinking is what gives way. */
function levelOf(
  traits: ClaudeTraits,
  { thinking, messages, maxOutputTokens = Number.POSITIVE_INFINITY }: ModelRequest,
  choice: Params["tool_choice"],
  id: string,
): Thinking {
  const wanted = nearestThinking(thinking ?? traits.default, traits.levels);
  if (traits.off === "never" || wanted === "off") return wanted;
  if (choice?.type === "any" || choice?.type === "tool") return "off";
  if (traits.thinking !== "budget") return wanted;
  const fits = maxOutputTokens > MIN_BUDGET;
  return fits && !isRoundWithoutThoughts(messages, id) ? wanted : "off";
}

/**
 * A round of calls that was begun without a thought, or by another model, is ended without one: the
 * API insists. What people say in the middle of it does not end it.
 */
function isRoundWithoutThoughts(messages: ModelRequest["messages"], id: string): boolean {
  const last = messages.findLast(({ role }) => role === "assistant");
  if (last?.role !== "assistant" || last.toolCalls.length === 0) return false;
  return !(last.thoughts ?? []).some(({ model, kind }) => model === id && kind !== "plain");
}

function unforced(choice: NonNullable<Params["tool_choice"]>): Params["tool_choice"] {
  const single = "disable_parallel_tool_use" in choice && choice.disable_parallel_tool_use === true;
  return { type: "auto", ...(single ? { disable_parallel_tool_use: true } : {}) };
}

/** OpenAI's scale, which our clients use, goes to 2; this one ends at 1. */
function temperatureOf(
  { sampling }: ClaudeTraits,
  thinks: boolean,
  { temperature }: ModelRequest,
): Pick<Fields, "temperature"> {
  if (temperature === undefined || thinks || !sampling) return {};
  return { temperature: Math.min(1, temperature) };
}

/** The budget is part of what may be written in all. */
function budgetOf(
  level: Thinking,
  { maxOutputTokens }: ModelRequest,
  { maxTokens }: ClaudeTraits,
): Pick<Params, "max_tokens" | "thinking"> {
  const wished = BUDGETS[level] ?? MIN_BUDGET;
  const max_tokens = maxOutputTokens ?? Math.min(maxTokens, wished + DEFAULT_MAX_OUTPUT_TOKENS);
  const budget_tokens = Math.max(MIN_BUDGET, Math.min(wished, max_tokens - 1));
  return { max_tokens, thinking: { type: "enabled", budget_tokens } };
}

function effortOf(
  level: Thinking,
  { thinking, showThinking = false }: ModelRequest,
  traits: ClaudeTraits,
): Pick<Fields, "thinking" | "effort"> {
  if (traits.thinking !== "effort") return {};
  if (level === "off") {
    if (traits.off === "disabled" || traits.off === "between_tools") {
      return { thinking: { type: traits.off } };
    }
    return {};
  }
  // What it does by itself need not be asked for.
  if (thinking === undefined && !showThinking) return {};
  const display = showThinking ? { display: "summarized" as const } : {};
  const adaptive = { thinking: { type: "adaptive" as const, ...display } };
  const effort = EFFORTS.find((one) => one === level);
  return thinking === undefined || effort === undefined ? adaptive : { ...adaptive, effort };
}

const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const;
