import { expect, test } from "vitest";
import { claudeTraits } from "./claude.ts";
import type { Thinking } from "./model.ts";
import { nearestThinking, parseThinking } from "./thinking.ts";

test.each([
  ["high", "high"],
  [" Extra High ", "xhigh"],
  ["x-high", "xhigh"],
  ["none", "off"],
  ["auto", "adaptive"],
  ["highest", "high"],
  ["big", undefined],
  ["", undefined],
  ["__proto__", undefined],
])("people who write %j mean %s", (text, level) => {
  expect(parseThinking(text)).toBe(level);
});

test.each<[Thinking, readonly Thinking[], Thinking]>([
  ["high", ["off", "high"], "high"],
  ["xhigh", ["off", "low", "medium", "high", "max"], "high"],
  ["minimal", ["off", "low", "medium"], "low"],
  ["off", ["low", "high"], "low"],
  ["adaptive", ["off", "low", "medium", "high"], "medium"],
  ["max", ["off", "minimal", "low", "medium", "high"], "high"],
  ["medium", ["off"], "off"],
  ["low", ["off", "adaptive"], "off"],
])("%s of a model that knows %j becomes %s", (wanted, levels, level) => {
  expect(nearestThinking(wanted, levels)).toBe(level);
});

test.each([
  ["claude-3-haiku-20240307", { thinking: "none", maxTokens: 4_096 }],
  ["claude-3-5-sonnet-20241022", { thinking: "none", maxTokens: 8_192 }],
  ["claude-3-7-sonnet-20250219", { thinking: "budget", maxTokens: 64_000 }],
  ["claude-sonnet-4-20250514", { thinking: "budget", maxTokens: 64_000 }],
  ["claude-opus-4-1-20250805", { thinking: "budget", maxTokens: 32_000 }],
  ["claude-haiku-4-5-20251001", { thinking: "budget", contextWindow: 200_000 }],
  ["claude-opus-4-6", { thinking: "effort", default: "off", sampling: true }],
  ["anthropic/claude-opus-4.7", { thinking: "effort", default: "off", sampling: false }],
  ["claude-opus-4-8", { fast: "speed" }],
  ["claude-opus-5", { default: "high", off: "disabled", fast: "speed" }],
  ["claude-sonnet-5-5", { off: "between_tools", fast: "none", contextWindow: 1_000_000 }],
  ["claude-haiku-5-5", { default: "medium", off: "disabled" }],
  ["claude-opus-5-5", { off: "never", default: "medium", fast: "speed" }],
  ["claude-fable-5-1", { off: "never" }],
])("%s is known by its name", (model, traits) => {
  expect(claudeTraits(model)).toMatchObject(traits);
});

test.each(["gpt-5", "MiniMax-M3", "claude", ""])("%j is no Claude", (model) => {
  expect(claudeTraits(model)).toBeUndefined();
});
